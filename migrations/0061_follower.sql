-- Consumers of the log of events, each with its place in it. The place moves in the transaction in
-- which the consumer writes what follows from the events, so that each counts once.
create table follower (
    name     text        collate "C" primary key check (length(name) between 1 and 100),
    n        bigint      not null check (n >= 0),
    moved_at timestamptz not null default clock_timestamp()
);

comment on table follower is 'Consumers of the log of events (client.events().follow): how far each has read.';
comment on column follower.n is 'The number of the last event that it has dealt with.';
comment on column follower.moved_at is 'When it last dealt with events, or began.';

-- What an event is about that is about no job. Null costs a row nothing: level is null already.
alter table outbox add column subject text collate "C";
alter table event add column subject text collate "C";

comment on column outbox.subject is
    'Of an event about no job: the task''s id, the queue, the limit or the agent by name, the worker''s session. Null in all others.';
comment on column event.subject is 'As in outbox.';
comment on table outbox is 'Changes that the relay has not numbered yet. Near empty, or no scheduler runs.';
comment on table event is
    'What happened, numbered without gaps in the order of commits: select ... where n > the last one seen.';

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
     'webhook_created', 'webhook_changed', 'webhook_disabled', 'webhook_deleted')) not valid;
alter table outbox validate constraint outbox_type_check;

update schema_version set version = 61;
