-- Send dead jobs ($1) back: same id, attempt goes on, failures start again. The letter's copy restores a job
-- whose own row has been pruned.
with letter as (
    delete from ordinaut.dead_letter
    where job_id = any($1::uuid[])
    returning *
), restored as (
    insert into ordinaut.job (id, kind, queue, args, priority, max_attempts, timeout, tags, backoff, task_id,
                              scheduled_for, tenant, trace_context, created_at)
    select job_id, kind, queue, args, priority, max_attempts, timeout, tags, backoff, task_id, scheduled_for, tenant,
           trace_context, coalesce(created_at, died_at)
    from letter
    on conflict (id) do nothing
), again as (
    insert into ordinaut.due_work (run_at, job_id, priority, attempt, queue, kind)
    select clock_timestamp(), job_id, priority, attempt, queue, kind
    from letter
), told as (
    insert into ordinaut.outbox (type, queue, kind, job_ids, attempts)
    select 'requeued', queue, kind, array_agg(job_id), array_agg(attempt)
    from letter
    group by queue, kind
)
select job_id from letter
