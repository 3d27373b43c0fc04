-- What happened: one row for each attempt that ended. Appended, never changed.
--
-- A job that ends without a lease (cancelled while it waited) takes the next attempt number, with no session
-- and no start.
create table run (
    job_id      uuid        not null,
    attempt     integer     not null,
    session     bigint,
    started_at  timestamptz,                               -- null too when the attempt was lost: only its dead process knew
    finished_at timestamptz not null default clock_timestamp(),
    outcome     text        collate "C" not null check (outcome in
        ('succeeded', 'failed', 'snoozed', 'cancelled', 'dead', 'lost', 'released')),
    error       text,
    output      jsonb,
    primary key (job_id, attempt),
    constraint started_by_a_session check (started_at is null or session is not null)
) partition by range (job_id);

create table run_default partition of run default;
