-- What holds for all jobs of a kind. Workers keep it for some seconds, so that jobs of kinds
-- without a policy pay nothing for it: no statement that enqueues, claims or settles reads this
-- table.
create table kind_policy (
    kind   text             collate "C" primary key,
    policy jsonb            not null check (jsonb_typeof(policy) = 'object'),
    sla    double precision generated always as ((policy ->> 'sla')::double precision) stored,
    late   bigint           not null default 0,
    set_at timestamptz      not null default clock_timestamp(),
    set_by text
);

comment on table kind_policy is
    'Policies: when jobs of a kind may run, how long an attempt may take, how soon a job should be done.';
comment on column kind_policy.policy is
    '{"hours": {"mode": only|never, "windows": [text], "timezone": text, "calendars": [text]}, "timeout": seconds, "sla": seconds}; null or missing: nothing holds.';
comment on column kind_policy.sla is 'Seconds from when a job was made or scheduled for to its end, as in policy.';
comment on column kind_policy.late is 'Jobs that took longer, counted by a scheduler from the log of events.';
comment on column kind_policy.set_by is 'The agent that put it; null if that was not done through the API.';

-- What a change of a policy leaves to be done. Workers go by the former hours for some seconds
-- more, and put jobs off that the transaction of the change cannot see.
create table kind_release (
    kind text        collate "C" primary key,
    at   timestamptz not null
);

comment on table kind_release is
    'Kinds whose policy was put or deleted: a scheduler makes jobs due that the former hours had put off.';
comment on column kind_release.at is 'When it does: every worker knows the change by then.';

alter table stat add column late bigint not null default 0;

comment on column stat.late is
    'Jobs that took longer than the SLA of their kind. 0 in rows from before this column.';

-- Words more: policy_created, policy_changed, policy_deleted, sla_breached.
alter table outbox drop constraint outbox_type_check;
alter table outbox add constraint outbox_type_check check (type in
    ('enqueued', 'leased', 'given_back', 'run_now', 'requeued', 'parked', 'unparked', 'changed', 'stalled',
     'succeeded', 'failed', 'snoozed', 'cancelled', 'dead', 'lost', 'released', 'queue_level', 'sla_breached',
     'task_created', 'task_changed', 'task_paused', 'task_resumed', 'task_cancelled', 'task_deleted',
     'queue_created', 'queue_changed', 'queue_paused', 'queue_resumed', 'queue_deleted',
     'limit_created', 'limit_changed', 'limit_deleted',
     'policy_created', 'policy_changed', 'policy_deleted',
     'target_created', 'target_changed', 'target_deleted',
     'target_opened', 'target_closed', 'target_drained', 'target_undrained',
     'worker_started', 'worker_ended', 'worker_lost', 'worker_drained', 'worker_undrained', 'node_level',
     'agent_created', 'agent_changed', 'agent_revoked', 'agent_deleted',
     'webhook_created', 'webhook_changed', 'webhook_disabled', 'webhook_deleted',
     'batch_created', 'batch_ended')) not valid;
alter table outbox validate constraint outbox_type_check;

-- Instants that nobody fired in time: as rows of fire they go with its retention, and one that
-- fired late looks there as any other.
alter table task add column misfires bigint not null default 0;

comment on column task.misfires is
    'Due instants that were later than the grace when a scheduler saw them, fired late or skipped. 0 before this column.';

update schema_version set version = 89;
