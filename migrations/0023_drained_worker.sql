-- Workers that an operator drained: whoever has such a name leases nothing. By name and not by session, so that it holds
-- over a restart.
create table drained_worker (
    name       text        primary key,
    drained_at timestamptz not null default clock_timestamp()
);

update schema_version set version = 23;
