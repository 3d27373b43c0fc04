create table drained_worker (
    name       text        primary key,
    drained_at timestamptz not null default clock_timestamp()
);

comment on table drained_worker is
    'Workers that an operator drained: a worker of such a name leases nothing. By name and not by session, so that it holds over a restart.';

update schema_version set version = 7;
