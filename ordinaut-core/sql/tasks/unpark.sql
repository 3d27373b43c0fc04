-- Let the jobs wait again that the pause of the task $1 had set aside.
with gone as (
    delete from ordinaut.parked
    where reason = 'task_paused' and key = $1::uuid::text
    returning *
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
