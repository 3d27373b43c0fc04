-- Stored definitions: what to run, and when.
--
-- The definition is the document that people write; the columns beside it are what statements and psql ask for.
create table task (
    id             uuid        primary key,
    definition     jsonb       not null,
    title          text        not null generated always as (definition ->> 'title') stored,
    kind           text        collate "C" not null generated always as (definition ->> 'kind') stored,
    queue          text        collate "C" not null generated always as (definition ->> 'queue') stored,
    schedule_kind  text        collate "C" not null generated always as (definition #>> '{schedule,kind}') stored
        check (schedule_kind in ('every', 'cron', 'rrule', 'once', 'event', 'condition')),
    concurrency_key text       generated always as (definition ->> 'concurrency_key') stored,
    status         text        collate "C" not null default 'active' check (status in ('active', 'paused', 'cancelled')),
    trouble        text,                                   -- why the scheduler paused it
    next_run_at    timestamptz,                            -- null: nothing is due any more, or not by the clock
    watch          jsonb,                                  -- of a condition: whether it was true, and since when
    version        bigint      not null default 1,         -- grows with each change that somebody makes
    created_at     timestamptz not null default clock_timestamp(),
    updated_at     timestamptz not null default clock_timestamp(),
    constraint due_while_active check (next_run_at is null or status = 'active')
) with (fillfactor = 80);

-- What the scheduler reads: only what is due.
create index task_next_run_at on task (next_run_at) where next_run_at is not null;

-- What it looks at each second: few, however many tasks there are.
create index task_watched on task (schedule_kind) where status = 'active' and schedule_kind in ('event', 'condition');
create index task_paused on task (id) where status = 'paused';

create index task_concurrency_key on task (concurrency_key) where concurrency_key is not null;

-- One task for a key, as long as its window lasts.
create table task_key (
    key        text        primary key,
    task_id    uuid        not null,
    held_until timestamptz not null
);

-- Jobs of tasks that may not have ended: for who counts them, holds them or calls them off. What has ended is cleared
-- at the task's next fire.
create table task_job (
    task_id uuid not null,
    job_id  uuid not null,
    primary key (task_id, job_id)
);

-- Named sets of dates, which tasks leave out or keep to.
create table calendar (
    name       text        primary key check (length(name) between 1 and 100),
    mode       text        not null check (mode in ('exclude', 'allow')),
    dates      date[]      not null,
    updated_at timestamptz not null default clock_timestamp()
);

-- Values that people push, for conditions to look at.
create table fact (
    name      text             primary key check (length(name) between 1 and 100),
    value     double precision not null,
    pushed_at timestamptz      not null default clock_timestamp()
);
