-- What durable handlers have done and what they wait for. Jobs whose handlers record nothing have
-- no rows here.
create table step (
    job_id   uuid        not null,
    name     text        collate "C" not null check (length(name) between 1 and 220),
    attempt  integer     not null,
    kind     text        collate "C" not null
        check (kind in ('step', 'job', 'version', 'sleep', 'event', 'ended', 'approval')),
    result   jsonb       not null,
    began_at timestamptz not null,
    ended_at timestamptz not null default clock_timestamp(),
    primary key (job_id, name)
) partition by range (job_id);

create table step_default partition of step default;

comment on table step is
    'Steps of durable handlers: what ran once and does not run again. Written under the lease, never changed; kept for as long as the job.';
comment on column step.name is 'Unique in its job; the second step of a name has #2 behind it.';
comment on column step.attempt is 'The attempt that recorded it.';
comment on column step.kind is
    'step: a closure; job: one that the handler enqueued; version: the branch of the code that the job began with; sleep, event, ended, approval: a wait that is over.';
comment on column step.result is 'What it returned; ciphertext if the job''s arguments are.';
comment on column step.began_at is 'When the closure was called, or the wait began.';

-- A job that waits has no lease: its work is due at the end of the wait, and whatever answers the
-- wait makes it due at once. A row lives until the handler has taken the answer.
create table wait (
    job_id      uuid        not null,
    name        text        collate "C" not null,
    kind        text        collate "C" not null check (kind in ('sleep', 'event', 'job', 'approval')),
    topic       text        collate "C",
    key         text        collate "C",
    question    text,
    fallback    text        collate "C" check (fallback in ('approved', 'rejected')),
    since       timestamptz,
    seen        bigint[]    not null default '{}',
    awaited_job uuid,
    began_at    timestamptz not null default clock_timestamp(),
    until       timestamptz,
    answer      jsonb,
    answered_at timestamptz,
    primary key (job_id, name),
    constraint an_event_has_a_topic check (kind <> 'event' or (topic is not null and key is not null and since is not null))
);

create index wait_event on wait (topic, key) where kind = 'event' and answered_at is null;
create index wait_approval on wait (job_id) where kind = 'approval' and answered_at is null;
create index wait_job on wait (awaited_job) where awaited_job is not null and answered_at is null;
create index wait_answered on wait (answered_at) where answered_at is not null;

comment on table wait is 'What the handlers of jobs wait for without a lease: a time, an event, the end of another job, an approval.';
comment on column wait.name is 'The step that it becomes.';
comment on column wait.key is 'Which events of the topic; empty: those without a key.';
comment on column wait.question is 'What is to be approved, in words.';
comment on column wait.fallback is 'What counts as the answer when nobody has answered in time.';
comment on column wait.since is 'Events that were published before the job was enqueued do not count.';
comment on column wait.seen is 'Events that answered earlier waits of the job.';
comment on column wait.awaited_job is 'The job whose end is waited for.';
comment on column wait.until is 'When the wait ends without an answer; null: never.';
comment on column wait.answer is 'The event, how the other job ended, or the decision.';

-- Events that somebody published, for waits that begin later than their event. Those that were
-- published for tasks alone are in it too: nobody knows yet who will wait.
create table published (
    n        bigint      generated always as identity primary key,
    topic    text        collate "C" not null,
    key      text        collate "C" not null,
    id       text        collate "C" not null,
    payload  jsonb       not null,
    at       timestamptz not null default clock_timestamp(),
    answered boolean     not null default false,
    unique (topic, id)
);

create index published_key on published (topic, key, n);
create index published_at on published (at);
create index published_unanswered on published (n) where not answered;

comment on table published is 'Events by topic and key, kept so that a wait that begins later finds them.';
comment on column published.id is 'The publisher''s own: the same id of a topic again is the same event.';
comment on column published.key is 'What it is about, such as the number of an order; empty: no key.';
comment on column published.answered is 'Whether the waits that it answers were told.';

update schema_version set version = 72;
