-- Alerts: what is wrong now, told once. A rule says what is looked at, and from which figure on; an
-- alert is a rule that holds of one thing, from when that began to when it was over. A silence
-- keeps alerts from being sent to anybody.
create table alert_rule (
    name   text        collate "C" primary key check (length(name) between 1 and 100),
    rule   jsonb       not null check (jsonb_typeof(rule) = 'object'),
    set_at timestamptz not null default clock_timestamp(),
    set_by text
);

create table alert (
    id              uuid             primary key,
    rule            text             collate "C" not null,
    source          text             collate "C" not null,
    about           text             collate "C" not null,
    subject         text             collate "C" not null,
    severity        text             collate "C" not null check (severity in ('info', 'warning', 'critical')),
    state           text             collate "C" not null default 'pending' check (state in ('pending', 'firing', 'resolved')),
    value           double precision not null,
    threshold       double precision not null,
    detail          text             not null,
    pending_since   timestamptz      not null default clock_timestamp(),
    seen_at         timestamptz      not null default clock_timestamp(),
    fired_at        timestamptz,
    told_at         timestamptz,
    acknowledged_at timestamptz,
    acknowledged_by text,
    note            text,
    resolved_at     timestamptz,
    constraint fired_unless_pending check ((state = 'pending') = (fired_at is null)),
    constraint resolved_at_its_end check ((state = 'resolved') = (resolved_at is not null)),
    constraint acknowledged_by_somebody check ((acknowledged_at is null) = (acknowledged_by is null))
) with (fillfactor = 70);                                  -- seen again every five seconds: keep it heap-only

-- What makes an alert one: a look that sees the same again finds its row.
create unique index alert_open on alert (rule, subject) where state <> 'resolved';
create index alert_over on alert (resolved_at) where state = 'resolved';

create table alert_silence (
    id         uuid        primary key,
    rule       text        collate "C",
    subject    text        collate "C",
    begins_at  timestamptz not null,
    ends_at    timestamptz not null,
    reason     text        not null,
    created_by text        not null,
    created_at timestamptz not null default clock_timestamp(),
    constraint ends_after_it_begins check (ends_at > begins_at)
);

create index alert_silence_ends_at on alert_silence (ends_at);

-- The row lock of its one row lets one scheduler at a time evaluate the rules.
create table alert_turn (
    singleton    boolean     primary key default true check (singleton),
    evaluated_at timestamptz not null default '-infinity'
);

insert into alert_turn default values;

comment on table alert_rule is 'What is looked at, and from which figure on it is an alert. ordinaut alert rule list shows them.';
comment on column alert_rule.rule is
    '{"source": word, "subject": name, "threshold": number, "for_seconds": number, "window_seconds": number, "severity": info|warning|critical, "enabled": boolean, "about": text, "webhook": URL, "email": [address], "queue": name}.';
comment on column alert_rule.set_by is 'The agent that put it; null if that was not done through the API: those that every schema begins with are set by nobody.';
comment on table alert is 'Alerts: those that hold, and those that are over, for as long as the audit is kept.';
comment on column alert.source is 'What the rule looked at.';
comment on column alert.about is 'What the subject is: node, queue, kind, target, limit, follower or installation.';
comment on column alert.subject is 'The name of what it is about; *: the whole installation.';
comment on column alert.state is 'pending: it has not held for as long as the rule asks; firing; resolved: it is over.';
comment on column alert.value is 'The figure, as it was last seen while it held.';
comment on column alert.threshold is 'From which figure on the rule holds.';
comment on column alert.detail is 'What more is known of it, in words.';
comment on column alert.seen_at is 'When it was last seen to hold.';
comment on column alert.told_at is 'When the jobs were made that send it; null: they were not, because it is silenced or pending.';
comment on column alert.note is 'What the one who acknowledged it said.';
comment on table alert_silence is 'Times in which alerts are sent to nobody. They fire nevertheless.';
comment on column alert_silence.rule is 'Only alerts of this rule; null: of all.';
comment on column alert_silence.subject is 'Only alerts about this; null: about all.';
comment on table alert_turn is 'When the rules were last evaluated.';

-- What every installation should hear of. Each may be changed, switched off and deleted; none is
-- made again.
insert into alert_rule (name, rule) values
    ('node-warning', '{"source": "node_level", "threshold": 1, "for_seconds": 300, "severity": "warning", "about": "A node is at a warning or worse"}'),
    ('node-critical', '{"source": "node_level", "threshold": 2, "for_seconds": 60, "severity": "critical", "about": "A node is critical or offline"}'),
    ('disk-full', '{"source": "disk", "threshold": 95, "for_seconds": 300, "severity": "critical", "about": "The disk of a node is nearly full"}'),
    ('queue-deep', '{"source": "queue_depth", "threshold": 10000, "for_seconds": 300, "severity": "warning", "about": "Many jobs wait"}'),
    ('queue-late', '{"source": "queue_age", "threshold": 300, "for_seconds": 120, "severity": "warning", "about": "A job has waited for long"}'),
    ('no-worker', '{"source": "no_worker", "threshold": 1, "for_seconds": 120, "severity": "critical", "about": "No worker takes jobs that wait"}'),
    ('failures', '{"source": "failure_share", "threshold": 0.2, "window_seconds": 600, "for_seconds": 300, "severity": "warning", "about": "Many attempts fail"}'),
    ('dead-letters', '{"source": "dead_letters", "threshold": 10, "window_seconds": 3600, "for_seconds": 60, "severity": "warning", "about": "Jobs die"}'),
    ('late-jobs', '{"source": "late_jobs", "threshold": 1, "window_seconds": 600, "for_seconds": 60, "severity": "warning", "about": "Jobs take longer than the SLA of their kind"}'),
    ('breaker-open', '{"source": "breaker_open", "threshold": 1, "for_seconds": 60, "severity": "warning", "about": "A host of a target is not called"}'),
    ('limit-full', '{"source": "limit_saturated", "threshold": 100, "for_seconds": 900, "severity": "info", "about": "Jobs take all of a limit"}'),
    ('schedule-late', '{"source": "schedule_lag", "threshold": 60, "for_seconds": 60, "severity": "critical", "about": "A task is due and does not fire"}'),
    ('relay-late', '{"source": "relay_lag", "threshold": 60, "for_seconds": 60, "severity": "critical", "about": "What happened does not become events"}'),
    ('follower-late', '{"source": "follower_lag", "threshold": 10000, "for_seconds": 300, "severity": "warning", "about": "A follower of the log is far behind"}'),
    ('old-snapshot', '{"source": "snapshot_age", "threshold": 3600, "for_seconds": 60, "severity": "warning", "about": "An old snapshot keeps vacuum from its work"}'),
    ('connections', '{"source": "connections", "threshold": 80, "for_seconds": 60, "severity": "warning", "about": "Postgres has few connections left"}');

-- Words more: alert_firing, alert_acknowledged, alert_resolved.
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
     'alert_firing', 'alert_acknowledged', 'alert_resolved',
     'agent_created', 'agent_changed', 'agent_revoked', 'agent_deleted',
     'webhook_created', 'webhook_changed', 'webhook_disabled', 'webhook_deleted',
     'batch_created', 'batch_ended')) not valid;
alter table outbox validate constraint outbox_type_check;

update schema_version set version = 92;
