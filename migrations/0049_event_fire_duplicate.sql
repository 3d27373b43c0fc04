-- An event may reach a task whose job has a unique key that is held: it is recorded as skipped, as an instant is.
alter table event_fire drop constraint event_fire_skipped_check;
alter table event_fire add constraint event_fire_skipped_check check (skipped in ('overlap', 'duplicate'));
update schema_version set version = 49;
