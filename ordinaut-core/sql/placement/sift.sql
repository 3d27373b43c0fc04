-- Of the lines of the demands $1 let up to $2 jobs of the queues $3 wait for room instead that are
-- due and that a limit concerns, in lines of their own: a worker that lets jobs in looks only at
-- those whose demand it satisfies.
with due as materialized (
    select free.job_id
    from unnest($1::text[]) as demand(id) cross join unnest($3::text[]) as served(queue) cross join lateral (
        select job_id
        from ordinaut.parked
        where reason = 'placed' and key = demand.id and queue = served.queue and run_at <= statement_timestamp()
          and (flags & ordinaut.flag_task_limited() <> 0 or exists (
              select from ordinaut.job_limit
              where (job_limit.queue is null or job_limit.queue = parked.queue)
                and (job_limit.kind is null or job_limit.kind = parked.kind)))
        order by key, queue, priority, run_at, job_id
        limit $2::bigint
        for update skip locked
    ) free
    limit $2::bigint
), in_line as materialized (
    select parked.job_id, concerned.ordered_key, jsonb_build_object(
        'queue', parked.queue, 'kind', parked.kind, 'suspect', parked.flags & ordinaut.flag_suspect() <> 0,
        'limits', coalesce(concerned.limits, '[]'), 'demand', parked.key)::text as line
    from due
    cross join lateral (select * from ordinaut.parked where parked.job_id = due.job_id offset 0) parked
    left join lateral (select args, tenant from ordinaut.job where job.id = due.job_id offset 0) job on true
    left join lateral ordinaut.line_limits(
        parked.queue, parked.kind, job.args, job.tenant,
        case when parked.flags & ordinaut.flag_task_limited() <> 0 then parked.job_id end
    ) as concerned on true
), moved as (
    update ordinaut.parked
    set reason = 'limit', key = ordinaut.line_key(in_line.line), ordered_key = in_line.ordered_key,
        line = case when in_line.line <> ordinaut.line_key(in_line.line) then in_line.line end
    from in_line
    where parked.job_id = any(array[in_line.job_id])
    returning 1
)
select count(*) from moved
