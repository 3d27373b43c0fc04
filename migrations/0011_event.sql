-- Written in the transaction of the change: one row for each kind of change, queue and kind of job
-- in a statement, with the jobs as arrays, so that a batch of 500 costs one row and not 500.
create table outbox (
    id       bigint      generated always as identity primary key,
    at       timestamptz not null default clock_timestamp(),
    type     text        collate "C" not null check (type in
        ('enqueued', 'leased', 'given_back', 'run_now', 'requeued', 'parked', 'unparked',
         'succeeded', 'failed', 'snoozed', 'cancelled', 'dead', 'lost', 'released', 'queue_level')),
    queue    text        collate "C" not null,
    kind     text        collate "C" not null,
    job_ids  uuid[]      not null,
    attempts integer[]   not null,
    level    text        collate "C",
    constraint as_many_attempts_as_jobs check (cardinality(job_ids) = cardinality(attempts))
);

-- What readers follow. The relay alone writes it, one transaction at a time, so n has no gaps and
-- grows in the order of commits: "greater than the last n that I saw" misses nothing, which on the
-- outbox it would.
create table event (
    n        bigint      not null,
    at       timestamptz not null,
    type     text        collate "C" not null,
    queue    text        collate "C" not null,
    kind     text        collate "C" not null,
    job_ids  uuid[]      not null,
    attempts integer[]   not null,
    level    text        collate "C",
    primary key (n, at)
) partition by range (at);

create table event_default partition of event default;

-- Ids do not compress, and trying costs as much as writing them. `create table` can say it from
-- Postgres 16 on only.
alter table outbox alter column job_ids set storage external;
alter table event alter column job_ids set storage external;

-- The row lock of its one row lets one relay at a time give numbers.
create table event_head (
    n            bigint  not null,
    singleton    boolean primary key default true check (singleton),
    installation uuid    not null default gen_random_uuid(),
    time_zone    text    not null default 'UTC'
);

-- The migrating process says the zone (`forward.rs`); it is stored with the rest of this migration
-- or not at all.
insert into event_head (n, time_zone) values (0, coalesce(nullif(current_setting('ordinaut.first_zone', true), ''), 'UTC'));

comment on table outbox is
    'Changes that the relay has not numbered yet. Near empty, or no scheduler runs.';
comment on column outbox.job_ids is 'The jobs of one statement''s change; empty for an event about a queue.';
comment on column outbox.attempts is 'The attempt of each job, in the same order.';
comment on column outbox.level is 'Of an event queue_level: how full the queue is. Null in all others.';
comment on table event is 'What happened to jobs and queues, numbered without gaps in the order of commits: select ... where n > the last one seen.';
comment on column event.n is 'Number of the event; consecutive.';
comment on table event_head is 'What belongs to the whole installation: one row.';
comment on column event_head.n is 'The last number that was given to an event.';
comment on column event_head.installation is
    'Tells apart two installations that write to one Redis stream. A copy of a database is the same installation.';
comment on column event_head.time_zone is 'IANA name of the zone of schedules that name none, whichever program they come through.';

update schema_version set version = 11;
