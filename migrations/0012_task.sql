-- The definition is the document that people write; the columns beside it are what statements and
-- psql ask for.
create table task (
    id              uuid        primary key,
    definition      jsonb       not null,
    title           text        not null generated always as (definition ->> 'title') stored,
    kind            text        collate "C" not null generated always as (definition ->> 'kind') stored,
    queue           text        collate "C" not null generated always as (definition ->> 'queue') stored,
    schedule_kind   text        collate "C" not null generated always as (definition #>> '{schedule,kind}') stored
        check (schedule_kind in ('every', 'cron', 'rrule', 'once', 'event', 'condition', 'service')),
    concurrency_key text        generated always as (definition ->> 'concurrency_key') stored,
    -- Written by hand it may be anything.
    max_instances   integer     generated always as (
        case when jsonb_typeof(definition -> 'max_instances') = 'number'
            then least(greatest((definition ->> 'max_instances')::numeric, 0), 65535)::integer end) stored,
    status          text        collate "C" not null default 'active' check (status in ('active', 'paused', 'cancelled')),
    trouble         text,
    next_run_at     timestamptz,
    condition_state jsonb,
    version         bigint      not null default 1,
    created_at      timestamptz not null default clock_timestamp(),
    updated_at      timestamptz not null default clock_timestamp(),
    schedule        jsonb       generated always as (definition -> 'schedule') stored,
    constraint due_while_active check (next_run_at is null or status = 'active'),
    -- An instant that no schedule has (infinity, the year 294276), written by hand, would end each
    -- look of a scheduler at all tasks.
    constraint next_run_at_is_an_instant check (next_run_at between '1899-01-01 00:00:00+00' and '9999-12-31 23:59:59+00')
) with (fillfactor = 80);

-- What the scheduler reads: only what is due.
create index task_next_run_at on task (next_run_at) where next_run_at is not null;

-- What it looks at each second: few, however many tasks there are.
create index task_watched on task (schedule_kind) where status = 'active' and schedule_kind in ('event', 'condition');
create index task_service on task (id) where schedule_kind = 'service' and status = 'active';
create index task_paused on task (id) where status = 'paused';

create table task_key (
    key        text        primary key,
    task_id    uuid        not null,
    held_until timestamptz not null
);

create table task_job (
    task_id         uuid not null,
    job_id          uuid not null,
    concurrency_key text,
    primary key (task_id, job_id)
);

-- By job: the limits that its task implies.
create index task_job_job_id on task_job (job_id);

create table calendar (
    name       text        primary key check (length(name) between 1 and 100),
    mode       text        not null check (mode in ('exclude', 'allow')),
    dates      date[]      not null,
    updated_at timestamptz not null default clock_timestamp()
);

create table fact (
    name      text             primary key check (length(name) between 1 and 100),
    value     double precision not null,
    pushed_at timestamptz      not null default clock_timestamp()
);

comment on table task is 'Stored definitions: what to run, and when.';
comment on column task.definition is 'The document that people write.';
comment on column task.schedule_kind is 'service: the task always has one job that has not ended; the others say when jobs are made.';
comment on column task.trouble is 'Why the scheduler paused the task; null: it did not.';
comment on column task.next_run_at is 'The next due instant; null: none is left, the schedule does not go by the clock, or the task is not active.';
comment on column task.condition_state is 'Of a condition: whether it was true when it was last looked at, and since when.';
comment on column task.version is 'Grows with each change that somebody makes, so that two editors do not overwrite each other.';
comment on column task.schedule is
    'The schedule out of the definition, small: the scheduler looks at it each second without reading the arguments.';
comment on table task_key is 'One task for a creation key, for as long as the key is held.';
comment on column task_key.held_until is 'Until then a second create with this key answers with the first one''s task.';
comment on table task_job is
    'Jobs of tasks that may not have ended, for counting, holding and cancelling them. What has ended is cleared at the next fire of a task that bounds its jobs, and from time to time.';
comment on column task_job.concurrency_key is
    'The concurrency key that the job was made under. It stays the job''s when the task gets another one or is deleted; else two jobs of one key could run at once.';
comment on table calendar is 'Named sets of dates, which tasks leave out (exclude) or keep to (allow).';
comment on table fact is 'Values that people push, for conditions to look at.';

update schema_version set version = 12;
