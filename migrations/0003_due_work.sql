-- The hot table, which holds scheduled and running jobs too, not only those that are due. The
-- primary key is the order of the claim. No index covers a column that a lease changes, and pages
-- are filled to 45 % only, so that a lease is a heap-only update: it touches no index, and its dead
-- version is pruned in passing. Nothing becomes free in place: giving a job back deletes its row
-- and inserts a new one at the present, because workers start their scans at a floor that only
-- moves forward. The order of the columns is measured: it leaves no padding in a row.
create table due_work (
    run_at   timestamptz not null,
    job_id   uuid        not null,
    session  bigint,
    nonce    integer     not null default 0,
    priority smallint    not null check (priority between 1 and 9),
    attempt  integer     not null default 0 check (attempt >= 0),
    failures smallint    not null default 0 check (failures >= 0),
    flags    smallint    not null default 0,
    queue    text        collate "C" not null,
    kind     text        collate "C" not null,
    primary key (queue, priority, run_at, job_id),
    constraint leased_by_a_claim check ((session is null) = (nonce = 0)),
    -- 1 is flag_cancel_asked().
    constraint cancel_asked_while_leased check (flags & 1 = 0 or session is not null)
) with (
    fillfactor = 45,
    -- Truncating takes a lock that every claim would wait for.
    vacuum_truncate = off,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_cost_delay = 0
);

create index due_work_job_id on due_work (job_id);

comment on table due_work is
    'Jobs that have not ended, one narrow row for each, without arguments: scheduled, waiting or running. Jobs that are set aside are in parked.';
comment on column due_work.run_at is 'Not before this instant; ahead of now(): the job is scheduled.';
comment on column due_work.session is 'The session of the worker that has the lease; null: nobody has it.';
comment on column due_work.nonce is
    'Number of the claim within its session: with the session and the attempt the token that settles the lease; 0: not leased.';
comment on column due_work.attempt is 'Number of the attempt that runs, or that ran last.';
comment on column due_work.failures is 'Attempts that count against max_attempts; a snooze or a release does not.';
comment on column due_work.flags is
    'Bits: 1 flag_cancel_asked(), 2 flag_suspect() (lost twice in its life), 4 flag_limited() (a lease that takes room of limits), 8 flag_unique() (its end frees a unique key), 16 flag_lost_once(), 32 flag_task_limited() (limits that its task implies concern it).';
comment on column due_work.queue is 'Copied from job, as are kind and priority, so that a claim reads nothing else.';

update schema_version set version = 3;
