-- What a job requires of its worker. A job that says nothing of it touches none of this. A job that
-- does waits in parked, in a line of its demand: claims never walk over it, and a worker looks only
-- at the lines of the demands that it satisfies.
create table demand (
    id      integer     generated always as identity primary key,
    kind    text        collate "C" not null,
    require text[]      not null,
    refuse  text[]      not null,
    soft    boolean     not null default false,
    used_at timestamptz not null default clock_timestamp(),
    unique (kind, require, refuse, soft)
);

comment on table demand is
    'What jobs of a kind require of the worker that runs them, each different demand once. Those that nobody has used for a day are removed.';
comment on column demand.id is 'The key in parked of the line of its jobs.';
comment on column demand.require is 'Labels that the worker must have, in their order.';
comment on column demand.refuse is 'Labels that it must not have.';
comment on column demand.soft is
    'Its jobs only prefer this, until the instant in preference: no other job is in the line.';

create table preference (
    job_id uuid        primary key,
    until  timestamptz not null
);

create index preference_until on preference (until);

comment on table preference is
    'Jobs that wait for a worker that they prefer, and until when: then any worker that has what they require may run them.';

-- Whose turn it is among workers. A sequence, because a row would keep producers waiting for each
-- other until their commits.
create sequence placement_turn;

comment on sequence placement_turn is 'Turns of the strategy round_robin, those of all queues together.';

create table rollout (
    kind    text        collate "C" primary key,
    version text        not null,
    percent smallint    not null check (percent between 0 and 100),
    set_at  timestamptz not null default clock_timestamp()
);

comment on table rollout is
    'Kinds of which a version of their workers runs a part, and the other versions run the rest. A job''s side is decided by the last octet of its id, so that it stays on it for all attempts.';
comment on column rollout.percent is 'Part of the jobs that workers of the version run, and others do not.';

alter table worker add column labels text[] not null default '{}';

comment on column worker.labels is
    'What it has: labels of its own, and worker=NAME, node=HOST, version=VERSION.';

alter table job add column placement jsonb;
alter table dead_letter add column placement jsonb;

comment on column job.placement is
    'What it asks of its worker: {"require": [label], "prefer": [label], "prefer_for": seconds, "strategy": word, "avoid_last": boolean}; null: nothing. A label that begins with "!" is one that the worker must not have.';
comment on column dead_letter.placement is 'As in job.';

alter table parked drop constraint parked_reason_check;
alter table parked add constraint parked_reason_check
    check (reason in ('task_paused', 'limit', 'run_again', 'dependency', 'batch', 'placed')) not valid;
alter table parked validate constraint parked_reason_check;

-- The jobs of a demand in the order of the claim. Kept apart from those that wait for room.
create index parked_placed on parked (key, queue, priority, run_at, job_id) where reason = 'placed';

-- Jobs with flag_placed() that came back to due_work, to be set apart again when they are due. No
-- lease changes whether a row is in it.
create index due_work_placed on due_work (run_at, job_id) where flags & 128::smallint <> 0;

comment on column parked.reason is
    'task_paused, limit (no room, also of a limit that its task implies), run_again (the job before it runs), dependency (jobs that it comes after have not ended), batch (it is called when its batch ends), placed (it waits for a worker that has what it requires).';
comment on column parked.key is
    'What it waits for, by reason: id of the task; key of the line of jobs that the same limits concern under the same keys (line_key()); id of the job before it; empty, because its parents are in dependency; id of the batch; id of the demand.';
comment on column parked.flags is
    'As in due_work. Here: 2 flag_suspect(), 8 flag_unique(), 16 flag_lost_once(), 32 flag_task_limited(), 64 flag_followed(), 128 flag_placed().';
comment on column due_work.flags is
    'Bits: 1 flag_cancel_asked(), 2 flag_suspect() (lost twice in its life), 4 flag_limited() (a lease that takes room of limits), 8 flag_unique() (its end frees a unique key), 16 flag_lost_once(), 32 flag_task_limited() (limits that its task implies concern it), 64 flag_followed() (its end is a row of followed_end), 128 flag_placed() (it says what it requires of its worker, and claims pass it by).';

-- The function has a parameter more: placement.
drop function if exists enqueue(text, jsonb, text, integer, timestamptz, interval, integer, interval, text[], text, text, jsonb,
                                jsonb, text);

update schema_version set version = 78;
