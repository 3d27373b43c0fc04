-- Set aside up to $4 due jobs of the lanes ($1 queue, $2 priority, most urgent first), each scanned
-- from its floor ($3), of the kinds in $5, that a limit concerns: each goes into its line. A sweep
-- ($6) scans from the start. Of the kinds $7 only jobs whose place is from $8 to $9 are set
-- aside. The limits that tasks imply (queue '') concern jobs by their flag.
--
-- Losing it sets the jobs aside again. "left" tells whether anything is in a line.
with at as materialized (
    select statement_timestamp() as at, set_config('synchronous_commit', 'off', true)
), lane as materialized (
    select queue, priority, case when $6::boolean then '-infinity' else floor end as floor
    from unnest($1::text[], $2::smallint[], $3::timestamptz[]) as l(queue, priority, floor)
    where exists (select from ordinaut.job_limit where job_limit.queue is null or job_limit.queue in (l.queue, ''))
), due as materialized (
    select free.tid
    from lane cross join lateral (
        select ctid as tid
        from ordinaut.due_work
        where queue = lane.queue and priority = lane.priority
          and run_at >= lane.floor and run_at <= statement_timestamp()
          and session is null and kind = any($5::text[]) and flags & ordinaut.flag_placed() = 0
          and (kind <> all($7::text[]) or exists (
              select from unnest($7::text[], $8::integer[], $9::integer[]) as part(kind, lowest, highest)
              where part.kind = due_work.kind and ordinaut.rollout_place(job_id) between lowest and highest))
          and (flags & ordinaut.flag_task_limited() <> 0 or exists (
              select from ordinaut.job_limit
              where (job_limit.queue is null or job_limit.queue = due_work.queue)
                and (job_limit.kind is null or job_limit.kind = due_work.kind)
          ))
        order by queue, priority, run_at, job_id
        limit $4::bigint
        for update skip locked
    ) free
    limit $4::bigint
), deleted_work as (
    delete from ordinaut.due_work
    using due
    where due_work.ctid = due.tid
    returning due_work.*
), in_line as (
    -- Without its own row a job has no arguments: it is in a line of no limits, and let in to be
    -- buried.
    select deleted_work.*, concerned.ordered_key, jsonb_build_object(
        'queue', deleted_work.queue, 'kind', deleted_work.kind, 'suspect', deleted_work.flags & ordinaut.flag_suspect() <> 0,
        'limits', coalesce(concerned.limits, '[]'))::text as line
    from deleted_work
    left join lateral (select args, tenant from ordinaut.job where job.id = deleted_work.job_id offset 0) job on true
    left join lateral ordinaut.line_limits(
        deleted_work.queue, deleted_work.kind, job.args, job.tenant,
        case when deleted_work.flags & ordinaut.flag_task_limited() <> 0 then deleted_work.job_id end
    ) as concerned on true
), newly_parked as (
    insert into ordinaut.parked (job_id, run_at, priority, attempt, failures, flags, queue, kind, reason, key, line, ordered_key)
    select job_id, run_at, priority, attempt, failures, flags, queue, kind, 'limit', ordinaut.line_key(line),
           case when line <> ordinaut.line_key(line) then line end, ordered_key
    from in_line
), outbox_rows as (
    insert into ordinaut.outbox (type, queue, kind, job_ids, attempts)
    select 'parked', queue, kind, array_agg(job_id), array_agg(attempt)
    from in_line
    group by queue, kind
)
select at.at, deleted_work.queue, deleted_work.priority, deleted_work.run_at,
       exists (select from ordinaut.parked where reason = 'limit') or exists (select from deleted_work) as left
from at left join deleted_work on true
