-- Targets: services outside that handlers call, each with its hosts. The breaker of a host is a
-- row, so that all workers agree: one that is closed and stays so costs no write.
create table target (
    name       text        collate "C" primary key check (length(name) between 1 and 100),
    definition jsonb       not null,
    source     text        collate "C" not null default 'api' check (source in ('api', 'file')),
    version    integer     not null default 1,
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp(),
    let_in_at  timestamptz
);

create table target_host (
    target          text             collate "C" not null references target on delete cascade,
    host            text             collate "C" not null check (length(host) between 1 and 300),
    weight          integer          not null check (weight between 1 and 1000),
    place           integer          not null,
    drained_at      timestamptz,
    state           text             collate "C" not null default 'closed' check (state in ('closed', 'open', 'trial')),
    failures        integer          not null default 0,
    opened_at       timestamptz,
    opened_by       text,
    reason          text,
    retry_at        timestamptz,
    opened          integer          not null default 0,
    trial_by        uuid,
    trial_until     timestamptz,
    calls           bigint           not null default 0,
    failed          bigint           not null default 0,
    seconds         double precision not null default 0,
    recent_seconds  double precision,
    last_success_at timestamptz,
    primary key (target, host),
    constraint open_until check ((state = 'closed') = (retry_at is null)),
    constraint tried_by_one check ((state = 'trial') = (trial_by is not null and trial_until is not null))
);

comment on table target is 'Services outside that handlers call by a name. ordinaut target list shows them.';
comment on column target.definition is 'How it is called, and when its breaker opens: as PUT /targets/{name} takes it.';
comment on column target.source is 'api: somebody put it; file: a scheduler read it in TARGETS_FILE, and may change it.';
comment on column target.version is 'Counts the changes of the definition, from 1.';
comment on column target.let_in_at is 'When a scheduler last let parked jobs of it go: one scheduler at a time does.';
comment on table target_host is 'The hosts of targets, each with its breaker and what workers counted of it.';
comment on column target_host.host is 'Name or address, and port.';
comment on column target_host.weight is 'Its part of the calls, where the strategy goes by weight.';
comment on column target_host.place is 'Its place in the list of hosts.';
comment on column target_host.drained_at is 'Since when it gets no calls, because somebody said so; null: it gets them.';
comment on column target_host.state is
    'closed: it is called; open: it is not, until retry_at; trial: one call is under way that decides.';
comment on column target_host.failures is 'Calls that failed since the last that succeeded.';
comment on column target_host.opened_at is 'Since when it is not called; null: it is.';
comment on column target_host.opened_by is 'The worker whose call opened the breaker last.';
comment on column target_host.reason is 'How that call failed.';
comment on column target_host.retry_at is 'When one call may try it.';
comment on column target_host.opened is 'Number of times that the breaker opened since it was closed: each waits twice as long.';
comment on column target_host.trial_by is 'The call that tries it.';
comment on column target_host.trial_until is 'When another call may try it, because the worker of this one has vanished.';
comment on column target_host.calls is 'Calls that ended; workers add them every ten seconds.';
comment on column target_host.failed is 'Calls of these that failed.';
comment on column target_host.seconds is 'Duration of those that succeeded, together.';
comment on column target_host.recent_seconds is 'Duration of one that succeeded, the newest counting most.';

-- The jobs of a target in the order in which they are let go. Those that wait longest are found by
-- parked_reason.
alter table parked drop constraint parked_reason_check;
alter table parked add constraint parked_reason_check
    check (reason in ('task_paused', 'limit', 'run_again', 'dependency', 'batch', 'placed', 'target')) not valid;
alter table parked validate constraint parked_reason_check;

create index parked_target on parked (key, priority, run_at, job_id) where reason = 'target';

comment on column parked.reason is
    'task_paused, limit (no room, also of a limit that its task implies), run_again (the job before it runs), dependency (jobs that it comes after have not ended), batch (it is called when its batch ends), placed (it waits for a worker that has what it requires), target (what it calls takes no calls).';
comment on column parked.key is
    'What it waits for, by reason: id of the task; key of the line of jobs that the same limits concern under the same keys (line_key()); id of the job before it; empty, because its parents are in dependency; id of the batch; id of the demand; name of the target.';

-- Words more: those of targets.
alter table outbox drop constraint outbox_type_check;
alter table outbox add constraint outbox_type_check check (type in
    ('enqueued', 'leased', 'given_back', 'run_now', 'requeued', 'parked', 'unparked', 'changed', 'stalled',
     'succeeded', 'failed', 'snoozed', 'cancelled', 'dead', 'lost', 'released', 'queue_level',
     'task_created', 'task_changed', 'task_paused', 'task_resumed', 'task_cancelled', 'task_deleted',
     'queue_created', 'queue_changed', 'queue_paused', 'queue_resumed', 'queue_deleted',
     'limit_created', 'limit_changed', 'limit_deleted',
     'target_created', 'target_changed', 'target_deleted',
     'target_opened', 'target_closed', 'target_drained', 'target_undrained',
     'worker_started', 'worker_ended', 'worker_lost', 'worker_drained', 'worker_undrained',
     'agent_created', 'agent_changed', 'agent_revoked', 'agent_deleted',
     'webhook_created', 'webhook_changed', 'webhook_disabled', 'webhook_deleted',
     'batch_created', 'batch_ended')) not valid;
alter table outbox validate constraint outbox_type_check;

update schema_version set version = 87;
