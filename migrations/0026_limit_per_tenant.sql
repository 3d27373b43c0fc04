-- A limit whose key is the tenant of the job: each has it for itself, also where arguments are encrypted. And the first of
-- a line when those that wait gain on those that are more urgent.
alter table job_limit add column per_tenant boolean not null default false;
alter table job_limit add constraint one_key_at_most check (not per_tenant or key is null);

-- The limits that concern a job, under which keys, and the room that it takes of each.
create function limits_of(job_queue text, job_kind text, args jsonb, job_tenant text)
    returns table (name text, key text, weight integer, ordered boolean)
    language sql stable
begin atomic
    select job_limit.name,
           case
               when not job_limit.per_tenant then coalesce(limit_key(args, job_limit.key), '')
               when length(job_tenant) > 200 then md5(job_tenant)
               else job_tenant
           end,
           case when jsonb_typeof(args #> job_limit.weight) = 'number'
               then least(greatest(round((args #>> job_limit.weight)::numeric), 1), 1000000)::integer
               else 1 end,
           job_limit.ordered
    from job_limit
    where (job_limit.queue is null or job_limit.queue = job_queue)
      and (job_limit.kind is null or job_limit.kind = job_kind)
      and (job_limit.key is null or args #>> job_limit.key is not null)
      and (not job_limit.per_tenant or job_tenant is not null);
end;

-- Older binaries do not say whose the job is: to them a limit for each tenant concerns nobody.
create or replace function limits_of(job_queue text, job_kind text, args jsonb)
    returns table (name text, key text, weight integer, ordered boolean)
    language sql stable
begin atomic
    select concerned.name, concerned.key, concerned.weight, concerned.ordered
    from limits_of(job_queue, job_kind, args, null) as concerned;
end;

create or replace function limit_turn(
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
               cross join lateral limits_of(due_work.queue, due_work.kind, job.args, job.tenant) as concerned
               where due_work.queue = first_queue and due_work.priority = first_priority
                 and due_work.session is null
                 and (due_work.run_at, due_work.job_id) < (first_run_at, first_job)
                 and concerned.name = limit_name and concerned.key = at_key
           );
end;

-- The first jobs of a line. If a wait of one step is worth a level of priority (null: nothing is), the least of priority
-- less the steps waited comes first: in whatever instant that is asked, it is the least of run_at + priority * step. Each
-- level has its first ones by a probe of its own, however long the line is. The order of an ordered limit stays.
create function first_of_line(line text, jobs bigint, step interval)
    returns table (job_id uuid, queue text, priority smallint, run_at timestamptz, turn text)
    language sql stable
begin atomic
    select first.job_id, first.queue, first.priority, first.run_at, first.turn
    from (
        select 1 as lowest, 9 as highest where step is null
        union all
        select level, level from generate_series(1, 9) as level where step is not null
    ) levels
    cross join lateral (
        select parked.job_id, parked.queue, parked.priority, parked.run_at, parked.turn
        from parked
        where parked.reason = 'limit' and parked.key = line
          and parked.priority between levels.lowest and levels.highest
        order by parked.key, parked.priority, parked.run_at, parked.job_id
        limit jobs
    ) first
    order by case when first.turn is null then first.run_at + first.priority * step end,
             case when first.turn is not null or step is null then first.priority end,
             first.run_at, first.job_id
    limit jobs;
end;

update schema_version set version = 26;
