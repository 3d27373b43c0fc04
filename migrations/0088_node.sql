-- Machines, as the processes on them tell. Nothing about jobs is decided by a row: what a worker
-- may run is in its session.
create table node (
    name         text        collate "C" primary key check (length(name) between 1 and 100),
    cores        integer     not null check (cores > 0),
    cpu          real        not null check (cpu between 0 and 100),
    memory_total bigint      not null check (memory_total > 0),
    memory_used  bigint      not null check (memory_used between 0 and memory_total),
    disk_total   bigint      not null check (disk_total > 0),
    disk_used    bigint      not null check (disk_used between 0 and disk_total),
    load         real        not null check (load >= 0),
    version      text        not null,
    address      text,
    labels       text[]      not null default '{}',
    reported_by  text        not null,
    level        text        not null default 'healthy' check (level in ('healthy', 'warning', 'critical', 'offline')),
    causes       text[]      not null default '{}',
    level_since  timestamptz not null default clock_timestamp(),
    first_seen   timestamptz not null default clock_timestamp(),
    seen_at      timestamptz not null default clock_timestamp()
) with (fillfactor = 50);                                  -- renewed while the machine lives: keep it heap-only

comment on table node is
    'Machines, as the processes on them last told of them. One that nobody has heard of for a week is removed.';
comment on column node.name is 'The name of the host, as workers have it in node=HOST.';
comment on column node.cpu is 'Part of its processors that was busy, in percent, since the report before.';
comment on column node.memory_total is 'Octets that processes on it may use: those of its control group where there is one.';
comment on column node.disk_total is 'Octets of the disk on which the reporting process runs.';
comment on column node.load is 'Mean number of threads that ran or waited to run, over a minute.';
comment on column node.labels is 'What the living workers on it have, of what jobs may ask of their worker.';
comment on column node.reported_by is 'The program that told last.';
comment on column node.level is 'Written by a scheduler, from the figures and the thresholds.';
comment on column node.causes is 'Why it is at this level: {disk=critical, cpu=warning}. The next level of each figure depends on it.';
comment on column node.seen_at is 'When it was last reported.';

create table node_threshold (
    node       text        collate "C" primary key,
    thresholds jsonb       not null,
    updated_at timestamptz not null default clock_timestamp()
);

comment on table node_threshold is
    'From which figures on a node is at a level, where that was set by hand; else it is as the schedulers are set.';
comment on column node_threshold.node is 'The node; *: all that have no row of their own for the figure.';
comment on column node_threshold.thresholds is
    'Of cpu, memory and disk, in percent: {"disk": {"warning": 80, "critical": 90}}; "offline_after" in seconds.';

alter table outbox drop constraint outbox_type_check;
alter table outbox add constraint outbox_type_check check (type in
    ('enqueued', 'leased', 'given_back', 'run_now', 'requeued', 'parked', 'unparked', 'changed', 'stalled',
     'succeeded', 'failed', 'snoozed', 'cancelled', 'dead', 'lost', 'released', 'queue_level',
     'task_created', 'task_changed', 'task_paused', 'task_resumed', 'task_cancelled', 'task_deleted',
     'queue_created', 'queue_changed', 'queue_paused', 'queue_resumed', 'queue_deleted',
     'limit_created', 'limit_changed', 'limit_deleted',
     'target_created', 'target_changed', 'target_deleted',
     'target_opened', 'target_closed', 'target_drained', 'target_undrained',
     'worker_started', 'worker_ended', 'worker_lost', 'worker_drained', 'worker_undrained', 'node_level',
     'agent_created', 'agent_changed', 'agent_revoked', 'agent_deleted',
     'webhook_created', 'webhook_changed', 'webhook_disabled', 'webhook_deleted',
     'batch_created', 'batch_ended')) not valid;
alter table outbox validate constraint outbox_type_check;

update schema_version set version = 88;
