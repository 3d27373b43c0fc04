-- The hot table: one narrow row for each job that is not finished, without its payload.
--
-- The primary key is the order of the claim. No index covers a column that a lease changes, and pages are
-- filled to 45 % only, so that a lease is a heap-only update: it touches no index, and its dead version is
-- pruned in passing. Nothing becomes free in place: whoever gives a job back deletes the row and inserts it
-- anew at the present, because workers start their scans at a floor that only moves forward.
create table due_work (
    run_at   timestamptz not null,
    job_id   uuid        not null,
    session  bigint,                                       -- who holds the lease; null: nobody
    nonce    integer     not null default 0,               -- number of the claim within its session
    priority smallint    not null check (priority between 1 and 9),
    attempt  integer     not null default 0 check (attempt >= 0),
    failures smallint    not null default 0 check (failures >= 0),
    flags    smallint    not null default 0,               -- 1: cancel asked, 2: suspect (its last attempt was lost)
    queue    text        collate "C" not null,
    kind     text        collate "C" not null,
    primary key (queue, priority, run_at, job_id),
    constraint leased_by_a_claim check ((session is null) = (nonce = 0)),
    constraint cancel_asked_while_leased check (flags & 1 = 0 or session is not null)
) with (
    fillfactor = 45,
    vacuum_truncate = off,                                 -- truncating takes a lock that every claim would wait for
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_cost_delay = 0
);

create index due_work_job_id on due_work (job_id);
