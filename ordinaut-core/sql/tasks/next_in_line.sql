-- For each concurrency key that nobody works under, let the job wait again that was parked for the longest time; a paused
-- task's stay. Whoever asks is the only one: a second look with an older snapshot would let the next one go too.
with idle as (
    select oldest.job_id
    from (select distinct key from ordinaut.parked where reason = 'concurrency_key') line
    cross join lateral (
        select parked.job_id
        from ordinaut.parked
        cross join lateral (select task_id from ordinaut.job where job.id = parked.job_id offset 0) job
        join ordinaut.task on task.id = job.task_id and task.status <> 'paused'
        where parked.reason = 'concurrency_key' and parked.key = line.key
        order by parked.parked_at, parked.job_id
        limit 1
    ) oldest
    where not exists (
        select
        from ordinaut.task
        cross join lateral (select job_id from ordinaut.task_job where task_job.task_id = task.id offset 0) task_job
        where task.concurrency_key = line.key
          and exists (select from ordinaut.due_work where due_work.job_id = task_job.job_id offset 0)
    )
), gone as (
    delete from ordinaut.parked
    using idle
    where parked.job_id = any(array[idle.job_id])
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
