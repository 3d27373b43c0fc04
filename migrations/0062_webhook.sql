-- Who outside is told of events: each event that a webhook wants becomes a job that delivers it.
create table webhook (
    id            uuid        primary key,
    name          text        collate "C" not null unique check (length(name) between 1 and 100),
    url           text        not null check (octet_length(url) between 1 and 2000),
    types         text[]      not null default '{}' check (array_position(types, null) is null),
    queues        text[]      not null default '{}' check (array_position(queues, null) is null),
    kinds         text[]      not null default '{}' check (array_position(kinds, null) is null),
    queue         text        collate "C" not null default 'default',
    created_by    text        not null,
    created_at    timestamptz not null default clock_timestamp(),
    failing_since timestamptz,
    last_error    text,
    disabled_at   timestamptz
);

-- Apart, so that nobody reads it who may read the rest: see keep_history(). Several at a time, so
-- that a receiver takes both while it changes to the new one.
create table webhook_secret (
    webhook_id uuid        not null references webhook on delete cascade,
    secret     bytea       not null check (octet_length(secret) between 16 and 64),
    created_at timestamptz not null default clock_timestamp(),
    expires_at timestamptz,
    primary key (webhook_id, secret)
);

create table webhook_delivery (
    webhook_id uuid        not null references webhook on delete cascade,
    n          bigint      not null,
    job_id     uuid        not null,
    at         timestamptz not null default clock_timestamp(),
    primary key (webhook_id, n)
);
create index webhook_delivery_at on webhook_delivery (at);

comment on table webhook is 'URLs outside that are told of events. ordinaut webhook list shows them.';
comment on column webhook.types is 'Types of events that it wants; empty: all.';
comment on column webhook.queues is 'Queues whose events it wants; empty: all.';
comment on column webhook.kinds is 'Kinds whose events it wants; empty: all.';
comment on column webhook.queue is 'The queue in which its deliveries wait.';
comment on column webhook.created_by is 'The agent that created it.';
comment on column webhook.failing_since is 'Since when each delivery has failed; null: the last one succeeded, or there was none.';
comment on column webhook.last_error is 'Why the last delivery failed that did.';
comment on column webhook.disabled_at is 'Since when it is told nothing: its deliveries had failed for days, or somebody disabled it.';
comment on table webhook_secret is 'What deliveries are signed with. Who reads it can forge them.';
comment on column webhook_secret.expires_at is 'When it signs no more; null: it does until a new one takes its place.';
comment on table webhook_delivery is 'The job that delivers an event to a webhook: no event becomes two jobs.';
comment on column webhook_delivery.n is 'The number of the event.';
comment on column webhook_delivery.job_id is 'The job of its last delivery.';
comment on column webhook_delivery.at is 'When that job was made.';

update schema_version set version = 62;
