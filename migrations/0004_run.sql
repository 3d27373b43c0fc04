create table run (
    job_id      uuid        not null,
    attempt     integer     not null,
    session     bigint,
    started_at  timestamptz,
    finished_at timestamptz not null default clock_timestamp(),
    outcome     text        collate "C" not null check (outcome in
        ('succeeded', 'failed', 'snoozed', 'cancelled', 'dead', 'lost', 'released')),
    error       text,
    output      jsonb,
    primary key (job_id, attempt),
    constraint started_by_a_session check (started_at is null or session is not null)
) partition by range (job_id);

create table run_default partition of run default;

comment on table run is
    'What happened: one row for each attempt that ended. Appended, never changed. A job that ends without a lease (cancelled while it waited) takes the next attempt number.';
comment on column run.session is 'The session that ran the attempt; null: the job ended without a lease.';
comment on column run.started_at is
    'When the handler started; null: it never did, or the attempt was lost and only the dead process knew.';
comment on column run.outcome is
    'succeeded, cancelled, dead (no attempt is left): the job ended. failed, snoozed, lost (its worker died), released (given back at a shutdown): another attempt follows.';
comment on column run.output is 'What the handler answered.';

update schema_version set version = 4;
