create table scheduler (
    id         uuid        primary key,
    name       text        not null,
    host       text        not null,
    pid        integer     not null,
    version    text        not null,
    started_at timestamptz not null default clock_timestamp(),
    seen_at    timestamptz not null default clock_timestamp()
) with (fillfactor = 20);                                  -- renewed for as long as the process lives: keep it heap-only

comment on table scheduler is
    'Scheduler processes, removed when they stop in order. It only tells: nothing is decided by it, and no scheduler looks at another''s row.';
comment on column scheduler.seen_at is 'Renewed every few seconds while the loops turn.';

update schema_version set version = 17;
