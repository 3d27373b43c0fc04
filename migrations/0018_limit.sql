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

-- The limits that concern a job, under which keys, and the room that it takes of each. Bodies of this form know their
-- tables whatever the search path is, and are planned as part of the statement that asks.
create function limits_of(job_queue text, job_kind text, args jsonb)
    returns table (name text, key text, weight integer, ordered boolean)
    language sql stable
begin atomic
    select job_limit.name, coalesce(limit_key(args, job_limit.key), ''),
           case when jsonb_typeof(args #> job_limit.weight) = 'number'
               then least(greatest(round((args #>> job_limit.weight)::numeric), 1), 1000000)::integer
               else 1 end,
           job_limit.ordered
    from job_limit
    where (job_limit.queue is null or job_limit.queue = job_queue)
      and (job_limit.kind is null or job_limit.kind = job_kind)
      and (job_limit.key is null or args #>> job_limit.key is not null);
end;

-- The room that running jobs take of a limit under a key: in one session, or in all of them (null).
create function limit_held(limit_name text, at_key text, of_session bigint) returns bigint
    language sql stable
begin atomic
    select coalesce(sum(limit_slot.weight), 0)
    from limit_slot
    join due_work on due_work.job_id = limit_slot.job_id and due_work.session is not null
    where limit_slot.name = limit_name and limit_slot.key = at_key
      and (of_session is null or limit_slot.session = of_session);
end;

-- The ordered limit and its key, of a job that one concerns: whose turn it is.
alter table parked add column turn text;

create index parked_turn on parked (turn, priority, run_at, job_id) where turn is not null;

-- What an ordered limit says of a line, whose first job is given: whether a job has begun and not ended, which of those
-- waits in this line, and whether another comes before the first: in another line, or on its way to one.
create function limit_turn(
    limit_name text, at_key text, line text, turn_of text,
    first_queue text, first_priority smallint, first_run_at timestamptz, first_job uuid
) returns table (begun boolean, begun_here uuid, another_first boolean)
    language sql stable
begin atomic
    select exists (
               select from limit_slot
               where limit_slot.name = limit_name and limit_slot.key = at_key
                 and (exists (select from due_work where due_work.job_id = limit_slot.job_id)
                   or exists (select from parked where parked.job_id = limit_slot.job_id))
           ),
           (select parked.job_id
            from limit_slot
            join parked on parked.job_id = limit_slot.job_id and parked.reason = 'limit' and parked.key = line
            where limit_slot.name = limit_name and limit_slot.key = at_key
            limit 1),
           exists (
               select from parked
               where parked.turn = turn_of
                 and (parked.priority, parked.run_at, parked.job_id) < (first_priority, first_run_at, first_job)
           ) or exists (
               select
               from due_work
               join job on job.id = due_work.job_id
               cross join lateral limits_of(due_work.queue, due_work.kind, job.args) as concerned
               where due_work.queue = first_queue and due_work.priority = first_priority
                 and due_work.session is null
                 and (due_work.run_at, due_work.job_id) < (first_run_at, first_job)
                 and concerned.name = limit_name and concerned.key = at_key
           );
end;

-- A line: jobs of one queue and kind that the same limits concern under the same keys; any of them can stand for all.
create index parked_line on parked (key, priority, run_at, job_id) where reason = 'limit';

alter table parked drop constraint parked_reason_check;
alter table parked add constraint parked_reason_check check (reason in ('task_paused', 'concurrency_key', 'limit'));

update schema_version set version = 18;
