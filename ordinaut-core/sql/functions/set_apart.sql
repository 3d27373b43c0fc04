-- Jobs that say what they require of their worker go from due_work into the line of their demand.
-- What they prefer is a demand too, of the soft sort, if there is a worker that has it: its jobs
-- leave the line when their patience ends (sql/placement/relax.sql). A strategy names a worker to
-- prefer: it deals the slots of those that could run the jobs, the freest one first (least_tasks),
-- by turns (round_robin), or by chance. The worker of the last attempt, if that failed and the job
-- asks for it, is one to avoid.
create or replace function set_apart(jobs uuid[]) returns integer
    language plpgsql volatile
    set search_path from current
as $$
declare
    number integer;
begin
    with deleted_work as (
        delete from due_work
        where job_id = any(jobs) and session is null and flags & flag_placed() <> 0 and run_at <= clock_timestamp()
        returning run_at, job_id, priority, attempt, failures, flags, queue, kind
    ), asked as materialized (
        select deleted_work.*, placement_labels(own.placement -> 'require', false) as require,
               placement_labels(own.placement -> 'require', true) as refuse,
               placement_labels(own.placement -> 'prefer', false) as wished,
               placement_labels(own.placement -> 'prefer', true) || array(
                   select 'worker=' || worker.name
                   from run
                   join worker on worker.session = run.session
                   where (own.placement -> 'avoid_last')::boolean and run.job_id = deleted_work.job_id
                     and run.attempt = deleted_work.attempt and run.outcome in ('failed', 'lost')
               ) as unwished,
               own.placement ->> 'strategy' as strategy,
               make_interval(secs => coalesce((own.placement ->> 'prefer_for')::float8, 10)) as patience
        from deleted_work
        left join lateral (select placement from job where job.id = deleted_work.job_id offset 0) own on true
    ), in_turn as materialized (
        select job_id, queue, kind, require, refuse, strategy,
               dense_rank() over (order by queue, kind, require, refuse, strategy) as party,
               row_number() over (partition by queue, kind, require, refuse, strategy order by priority, run_at, job_id) as place
        from asked
        where strategy is not null
    ), party as materialized (
        select distinct on (party) *, count(*) over (partition by party) as size,
               (select min(nextval('placement_turn')) from generate_series(1, (select count(*) from in_turn))) as turn
        from in_turn
    ), dealt as materialized (
        select party.party, able.name,
               row_number() over (partition by party.party order by
                   case party.strategy when 'least_tasks' then able.taken + slot - able.slots when 'round_robin' then slot end,
                   case party.strategy when 'round_robin' then (able.rank + able.of - party.turn % able.of) % able.of end,
                   random()) as place
        from party
        cross join lateral (
            select name, slots, rank() over (order by name) as rank, count(*) over () as of, running + (
                       select count(*)
                       from (
                           select
                           from demand
                           join parked on parked.reason = 'placed' and parked.key = demand.id::text and parked.queue = party.queue
                           where demand.kind = party.kind and demand.soft and demand.refuse = party.refuse
                             and demand.require = label_set(party.require || ('worker=' || name))
                           limit 10000
                       ) waiting
                   ) as taken
            from able_workers(party.queue, party.kind, party.require, party.refuse)
        ) able
        cross join generate_series(1, party.size) as slot
    ), decided as materialized (
        select asked.*, label_set(asked.require || wished || case when dealt.name is not null then array['worker=' || dealt.name] end)
                   as soft_require,
               label_set(asked.refuse || unwished) as soft_refuse
        from asked
        left join in_turn using (job_id)
        left join dealt on dealt.party = in_turn.party and dealt.place = in_turn.place
    ), demanded as materialized (
        select sort.*, demand_of(kind, case when soft then soft_require else require end,
                                 case when soft then soft_refuse else refuse end, soft) as id
        from (
            select distinct queue, kind, require, refuse, soft_require, soft_refuse,
                   (soft_require, soft_refuse) <> (require, refuse)
                       and exists (select from able_workers(queue, kind, soft_require, soft_refuse)) as soft
            from decided
        ) sort
    ), placed as materialized (
        -- Others of its key wait for its turn, also while nobody has what it asks for.
        select decided.*, demanded.id, demanded.soft, turn.ordered_key
        from decided
        join demanded using (queue, kind, require, refuse, soft_require, soft_refuse)
        left join lateral (
            select concerned.ordered_key
            from (
                select args, tenant
                from job
                where job.id = decided.job_id and exists (select from job_limit where ordered and job_limit.queue = decided.queue)
                offset 0
            ) own
            cross join lateral line_limits(decided.queue, decided.kind, own.args, own.tenant, null) as concerned
        ) turn on true
    ), newly_parked as (
        insert into parked (job_id, run_at, priority, attempt, failures, flags, queue, kind, reason, key, ordered_key)
        select job_id, run_at, priority, attempt, failures, flags, queue, kind, 'placed', id::text, ordered_key from placed
    ), preferred as (
        insert into preference (job_id, until)
        select job_id, clock_timestamp() + patience from placed where soft
        on conflict (job_id) do update set until = excluded.until
    ), outbox_rows as (
        insert into outbox (type, queue, kind, job_ids, attempts)
        select 'parked', queue, kind, array_agg(job_id), array_agg(attempt)
        from placed
        group by queue, kind
    )
    select count(*) into number from placed;
    return number;
end
$$;

comment on function set_apart is
    'Park those of the jobs that are due, wait in due_work, and say what they require of their worker, each in the line of its demand; their number.';
