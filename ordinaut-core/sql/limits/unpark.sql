-- Let every job that waits in a line be due again, because the limits are not what they were: it is set aside anew, in the
-- line where it belongs now.
with gone as (
    delete from ordinaut.parked
    where reason = 'limit'
    returning parked.*
), again as (
    insert into ordinaut.due_work (run_at, job_id, priority, attempt, failures, flags, queue, kind)
    select greatest(run_at, clock_timestamp()), job_id, priority, attempt, failures, flags, queue, kind
    from gone
), told as (
    insert into ordinaut.outbox (type, queue, kind, job_ids, attempts)
    select 'unparked', queue, kind, array_agg(job_id), array_agg(attempt)
    from gone
    group by queue, kind
)
select distinct queue from gone
