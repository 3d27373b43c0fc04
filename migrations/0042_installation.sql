-- Who this is: two installations that write to one Redis stream can tell that they are two. A copy of a database is the
-- same installation.
alter table event_head add column installation uuid not null default gen_random_uuid();

update schema_version set version = 42;
