create table dead_letter (
    job_id           uuid        primary key,
    died_at          timestamptz not null default clock_timestamp(),
    error            text,
    attempt          integer     not null,
    failures         smallint    not null,
    kind             text        collate "C" not null,
    queue            text        collate "C" not null,
    priority         smallint    not null,
    args             jsonb       not null,
    max_attempts     smallint,
    timeout          interval,
    tags             text[]      not null default '{}',
    task_id          uuid,
    scheduled_for    timestamptz,
    tenant           text,
    trace_context    text,
    created_at       timestamptz,
    backoff          jsonb,
    unique_key       bytea,
    unique_after_end interval
);

-- Pages of the list go from letter to letter in this order. Written only when a job dies.
create index dead_letter_died_at on dead_letter (died_at, job_id);

comment on table dead_letter is
    'Jobs that failed for good, each with its own copy, because the partition of the original may be dropped before somebody looks here. A requeue makes them wait again.';
comment on column dead_letter.error is 'What the last attempt failed with.';
comment on column dead_letter.attempt is 'Number of the last attempt; a requeue continues with the next one.';
comment on column dead_letter.failures is 'Attempts that counted against max_attempts; a requeue begins at 0.';

update schema_version set version = 10;
