-- Jobs that failed for good, each with its own copy, because the partition of the original may be dropped
-- before somebody looks here.
create table dead_letter (
    job_id        uuid        primary key,
    died_at       timestamptz not null default clock_timestamp(),
    error         text,
    attempt       integer     not null,
    failures      smallint    not null,
    kind          text        collate "C" not null,
    queue         text        collate "C" not null,
    priority      smallint    not null,
    args          jsonb       not null,
    max_attempts  smallint,
    timeout       interval,
    tags          text[]      not null default '{}',
    task_id       uuid,
    scheduled_for timestamptz,
    tenant        text,
    trace_context text,
    created_at    timestamptz
);
