-- One row for each scheduler process, renewed every few seconds while its loops turn, and removed when it stops in
-- order. It only tells: nothing is decided by it, and no scheduler looks at another's.
create table scheduler (
    id         uuid        primary key,
    name       text        not null,
    host       text        not null,
    pid        integer     not null,
    version    text        not null,
    started_at timestamptz not null default clock_timestamp(),
    seen_at    timestamptz not null default clock_timestamp()
) with (fillfactor = 20);                                  -- renewed for as long as the process lives: keep it heap-only

update schema_version set version = 22;
