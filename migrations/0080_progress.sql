-- What running jobs say of how far they have come, and what people tell running jobs. Jobs that say
-- nothing, and that nobody tells anything, have no rows here.
create table progress (
    job_id         uuid             primary key,
    attempt        integer          not null,
    percent        double precision check (percent between 0 and 100),
    note           text,
    counter        bigint           not null default 0 check (counter >= 0),
    reported_at    timestamptz      not null default clock_timestamp(),
    moved_at       timestamptz      not null default clock_timestamp(),
    stalls_after   interval,
    cancel_stalled boolean          not null default false,
    stalls_at      timestamptz,
    stalled_at     timestamptz
);

create index progress_stalls_at on progress (stalls_at) where stalls_at is not null;
create index progress_stalled on progress (job_id) where stalled_at is not null;

comment on table progress is
    'How far jobs have come, as their handlers say: of each job that says so, its last attempt. Written under the lease, kept for as long as what ended.';
comment on column progress.counter is 'What the handler has counted, such as rows; it never falls within an attempt.';
comment on column progress.moved_at is 'When percent or counter changed last.';
comment on column progress.stalls_after is 'Time after which the job is stalled if neither changes; null: never.';
comment on column progress.cancel_stalled is 'Whether it is cancelled then.';
comment on column progress.stalls_at is 'When a scheduler looks whether it is stalled; null: it is not watched.';
comment on column progress.stalled_at is 'When it was found stalled; null: it moves, or had ended by then.';

create table attachment (
    job_id      uuid        not null,
    n           integer     not null,
    value       jsonb       not null,
    attached_by text        not null,
    attached_at timestamptz not null default clock_timestamp(),
    primary key (job_id, n)
);

comment on table attachment is
    'Parameters that were given to jobs after they were enqueued; the newest counts, the last hundred are kept.';
comment on column attachment.n is 'Counts up from 1 within the job.';

comment on column worker.cancel_asked is
    'Jobs that the session was asked to look at: to stop them, or because they were given new parameters. Read and emptied with each heartbeat.';

-- One word more: stalled.
alter table outbox drop constraint outbox_type_check;
alter table outbox add constraint outbox_type_check check (type in
    ('enqueued', 'leased', 'given_back', 'run_now', 'requeued', 'parked', 'unparked', 'changed', 'stalled',
     'succeeded', 'failed', 'snoozed', 'cancelled', 'dead', 'lost', 'released', 'queue_level',
     'task_created', 'task_changed', 'task_paused', 'task_resumed', 'task_cancelled', 'task_deleted',
     'queue_created', 'queue_changed', 'queue_paused', 'queue_resumed', 'queue_deleted',
     'limit_created', 'limit_changed', 'limit_deleted',
     'worker_started', 'worker_ended', 'worker_lost', 'worker_drained', 'worker_undrained',
     'agent_created', 'agent_changed', 'agent_revoked', 'agent_deleted',
     'webhook_created', 'webhook_changed', 'webhook_disabled', 'webhook_deleted',
     'batch_created', 'batch_ended')) not valid;
alter table outbox validate constraint outbox_type_check;

update schema_version set version = 80;
