-- Jobs that belong together, counted as they end, with jobs that are called when all have ended.
-- Only the fold changes the counts, so that no settle waits for the row of a batch.
create table batch (
    id          uuid        primary key,
    name        text        not null check (length(name) between 1 and 100),
    state       text        collate "C" not null default 'running' check (state in
        ('running', 'succeeded', 'failed', 'cancelled', 'expired')),
    total       bigint      not null default 0 check (total >= 0),
    succeeded   bigint      not null default 0,
    dead        bigint      not null default 0,
    cancelled   bigint      not null default 0,
    on_dead     text        collate "C" not null default 'continue' check (on_dead in ('continue', 'cancel_rest')),
    on_success  uuid,
    on_complete uuid,
    deadline    timestamptz,
    tenant      text,
    created_by  text,
    created_at  timestamptz not null default clock_timestamp(),
    ended_at    timestamptz,
    stopping    text        collate "C" check (stopping in ('failed', 'cancelled', 'expired')),
    stopped_to  uuid        not null default '00000000-0000-0000-0000-000000000000',
    constraint ended_with_an_instant check ((state = 'running') = (ended_at is null))
) with (fillfactor = 50);

create index batch_created_at on batch (created_at, id);
create index batch_deadline on batch (deadline) where deadline is not null and ended_at is null and stopping is null;

comment on table batch is
    'Batches: jobs (members) that belong together. Their ends are counted by the fold, which calls on_success and on_complete.';
comment on column batch.state is
    'running; succeeded (all members did), failed (some are dead or were cancelled), cancelled, expired (the deadline passed). A dead member that is sent back makes it running again.';
comment on column batch.total is 'Number of members. Those that came since the last fold are rows (added) of followed_end.';
comment on column batch.on_dead is 'What a dead member means: continue, or cancel_rest: the other members are cancelled.';
comment on column batch.on_success is 'The job that runs when all members have succeeded. It waits in parked.';
comment on column batch.on_complete is 'The job that runs, once, when all members have ended. It waits in parked.';
comment on column batch.deadline is 'When what is left of it is cancelled.';
comment on column batch.tenant is 'Whose batch it is; null: nobody''s.';
comment on column batch.created_by is 'The agent that made it; null: a program that holds the database.';
comment on column batch.stopping is 'Why its members are being cancelled, which is how it will end; null: they are not.';
comment on column batch.stopped_to is 'The last member that was looked at to be cancelled.';

alter table job add column batch_id uuid;
alter table dead_letter add column batch_id uuid;

comment on column job.batch_id is 'The batch that it is a member of, or whose callback it is; null: none.';
comment on column dead_letter.batch_id is 'As in job: a member that is sent back counts again.';

-- A job without a batch is not in it, and pays nothing for it.
create index job_batch_id on job (batch_id, id) where batch_id is not null;
create index dead_letter_batch_id on dead_letter (batch_id) where batch_id is not null;

-- The words are those of one enum in the library (EventType), which a test compares with this.
alter table outbox drop constraint outbox_type_check;
alter table outbox add constraint outbox_type_check check (type in
    ('enqueued', 'leased', 'given_back', 'run_now', 'requeued', 'parked', 'unparked', 'changed',
     'succeeded', 'failed', 'snoozed', 'cancelled', 'dead', 'lost', 'released', 'queue_level',
     'task_created', 'task_changed', 'task_paused', 'task_resumed', 'task_cancelled', 'task_deleted',
     'queue_created', 'queue_changed', 'queue_paused', 'queue_resumed', 'queue_deleted',
     'limit_created', 'limit_changed', 'limit_deleted',
     'worker_started', 'worker_ended', 'worker_lost', 'worker_drained', 'worker_undrained',
     'agent_created', 'agent_changed', 'agent_revoked', 'agent_deleted',
     'webhook_created', 'webhook_changed', 'webhook_disabled', 'webhook_deleted',
     'batch_created', 'batch_ended')) not valid;
alter table outbox validate constraint outbox_type_check;

update schema_version set version = 76;
