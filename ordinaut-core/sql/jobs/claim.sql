-- Lease up to $3 due jobs of the lanes ($1 queue, $2 priority, most urgent first), of the kinds in $4, to the
-- session $5 under the nonce $6; suspects only, or none of them ($7).
--
-- The CTE "due" is an optimisation fence: without it the planner may run the limited subquery once for each
-- candidate row, and lease more than $3. skip locked: two workers never wait for the same row.
-- The left join: a job whose row is gone is still leased, so that its worker can bury it with that reason.
with lane as (
    select * from unnest($1::text[], $2::smallint[]) as l(queue, priority)
), due as materialized (
    select free.tid
    from lane cross join lateral (
        select ctid as tid
        from ordinaut.due_work
        where queue = lane.queue and priority = lane.priority
          and run_at <= statement_timestamp()
          and session is null and kind = any($4::text[]) and (flags & 2 = 2) = $7::boolean
        order by queue, priority, run_at, job_id
        limit $3::bigint
        for update skip locked
    ) free
    limit $3::bigint
), leased as (
    update ordinaut.due_work
    set session = $5::bigint, nonce = $6::integer, attempt = attempt + 1
    from due
    where due_work.ctid = due.tid
    returning job_id, attempt, failures, flags, run_at, due_work.queue, due_work.kind, due_work.priority
), told as (
    insert into ordinaut.outbox (type, queue, kind, job_ids, attempts)
    select 'leased', queue, kind, array_agg(job_id), array_agg(attempt)
    from leased
    group by queue, kind
)
select leased.*, job.args::text as args, job.max_attempts,
       extract(epoch from job.timeout)::float8 as timeout, job.tags, job.created_at
from leased
left join ordinaut.job on job.id = leased.job_id
order by leased.priority, leased.run_at, leased.job_id
