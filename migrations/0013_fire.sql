create table fire (
    task_id       uuid        not null,
    scheduled_for timestamptz not null,
    skipped       text        collate "C" check (skipped in ('coalesced', 'misfired', 'overlap', 'duplicate', 'snoozed')),
    job_id        uuid,
    at            timestamptz not null default clock_timestamp(),
    primary key (task_id, scheduled_for),
    constraint fired_or_skipped check ((skipped is null) = (job_id is not null))
) partition by range (scheduled_for);

create table fire_default partition of fire default;

create table event_fire (
    task_id  uuid        not null,
    event_id text        not null check (length(event_id) between 1 and 200),
    topic    text        not null,
    skipped  text        collate "C" check (skipped in ('overlap', 'duplicate')),
    job_id   uuid,
    at       timestamptz not null default clock_timestamp(),
    primary key (task_id, event_id),
    constraint fired_or_skipped check ((skipped is null) = (job_id is not null))
);

comment on table fire is
    'Due instants of tasks, each fired or skipped. The primary key makes an instant happen once, whichever scheduler comes first.';
comment on column fire.skipped is
    'Why the instant made no job: coalesced (a later one stands for it), misfired (too late), overlap (too many of the task''s jobs ran), duplicate (another job holds its unique key), snoozed. Null: it made job_id.';
comment on column fire.at is 'When the scheduler decided.';
comment on table event_fire is 'Events that reached a task: the same event is one row, and makes one job.';
comment on column event_fire.event_id is 'The id that the sender gave, so that a repeated event makes no second job.';
comment on column event_fire.skipped is 'As in fire.';

update schema_version set version = 13;
