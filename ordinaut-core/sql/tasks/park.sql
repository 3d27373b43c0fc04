-- Set the waiting jobs of paused tasks aside: of the task $1, or of all if it is null. One that runs is left to its end;
-- if it comes back to wait, the next look finds it.
with gone as (
    delete from ordinaut.due_work
    using ordinaut.task_job, ordinaut.task
    where task.status = 'paused' and ($1::uuid is null or task.id = $1::uuid)
      and task_job.task_id = any(array[task.id]) and due_work.job_id = any(array[task_job.job_id]) and due_work.session is null
    returning due_work.*, task.id as task_id
), held as (
    insert into ordinaut.parked (job_id, run_at, priority, attempt, failures, flags, queue, kind, reason, key)
    select job_id, run_at, priority, attempt, failures, flags, queue, kind, 'task_paused', task_id::text
    from gone
), told as (
    insert into ordinaut.outbox (type, queue, kind, job_ids, attempts)
    select 'parked', queue, kind, array_agg(job_id), array_agg(attempt)
    from gone
    group by queue, kind
)
select count(*) from gone
