-- How much may run at once, and how much may start in a while: of a queue, a kind, or a key in the arguments. A job that a
-- limit concerns is set aside when it is due (parked, reason "limit"), and let in where there is room. Jobs that none
-- concerns never come here.
create table job_limit (
    name        text             primary key check (length(name) between 1 and 100),
    queue       text             collate "C",              -- null: any
    kind        text             collate "C",              -- null: any
    key         text[],                                    -- path into the arguments: what is there has a limit of its own
    weight      text[],                                    -- path into the arguments: how much room a job takes, else 1
    concurrency integer          check (concurrency >= 0),
    rate        double precision check (rate > 0),         -- weight a second
    burst       double precision check (burst >= 1),       -- as much may start at once after a pause
    per_process boolean          not null default false,   -- each worker process has it for itself
    ordered     boolean          not null default false,   -- one at a time, in the order of the claim, over retries too
    updated_at  timestamptz      not null default clock_timestamp(),
    constraint burst_of_a_rate check ((rate is null) = (burst is null)),
    constraint ordered_is_one_at_a_time check (not ordered or (concurrency = 1 and queue is not null and not per_process))
);

-- Who takes room: a row for each running job and each limit that concerns it. It counts as long as its job is leased (of
-- an ordered limit: as long as it has not ended), so that one which a crash left behind takes nothing.
create table limit_slot (
    name    text    not null,
    key     text    not null,
    job_id  uuid    not null,
    weight  integer not null check (weight > 0),
    session bigint,
    ordered boolean not null,
    primary key (name, key, job_id)
);

create index limit_slot_job_id on limit_slot (job_id);

-- What is left of a rate, and since when. No row: all of it.
create table limit_bucket (
    name      text             not null,
    key       text             not null,
    session   bigint           not null,                   -- 0: of all processes together
    tokens    double precision not null,
    filled_at timestamptz      not null,
    primary key (name, key, session)
);

-- What stands under a path in arguments, as the key of a limit: what is long would not fit into an index.
create function limit_key(args jsonb, path text[]) returns text
    language sql immutable parallel safe
as $$
    select case when length(args #>> path) > 200 then md5(args #>> path) else args #>> path end
$$;

-- The ordered limit and its key, of a job that one concerns: whose turn it is.
alter table parked add column turn text;

create index parked_turn on parked (turn, priority, run_at, job_id) where turn is not null;

-- A line: jobs of one queue and kind that the same limits concern under the same keys; any of them can stand for all.
create index parked_line on parked (key, priority, run_at, job_id) where reason = 'limit';

alter table parked drop constraint parked_reason_check;
alter table parked add constraint parked_reason_check check (reason in ('task_paused', 'concurrency_key', 'limit'));

update schema_version set version = 18;
