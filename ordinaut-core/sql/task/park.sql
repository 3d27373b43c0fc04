-- Set the waiting jobs of paused tasks aside: of the task $1, or of all if it is null; also those
-- that a limit or a target has set aside, which would let them in. One that runs is left to its
-- end; if it comes back to wait, the next look finds it.
with paused as materialized (
    select task_job.job_id, task.id::text as task_id
    from ordinaut.task
    cross join lateral (select job_id from ordinaut.task_job where task_job.task_id = task.id offset 0) task_job
    where task.status = 'paused' and ($1::uuid is null or task.id = $1::uuid)
), deleted_work as (
    delete from ordinaut.due_work
    using paused
    where due_work.job_id = any(array[paused.job_id]) and due_work.session is null
    returning due_work.*, paused.task_id
), held as (
    insert into ordinaut.parked (job_id, run_at, priority, attempt, failures, flags, queue, kind, reason, key)
    select job_id, run_at, priority, attempt, failures, flags, queue, kind, 'task_paused', task_id
    from deleted_work
), out_of_line as (
    update ordinaut.parked
    set reason = 'task_paused', key = paused.task_id, ordered_key = null
    from paused
    where parked.job_id = any(array[paused.job_id]) and parked.reason in ('limit', 'placed', 'target')
    returning parked.job_id
), freed_slots as (
    -- Other jobs of its concurrency key go ahead until the task is resumed, even if it has begun
    -- and was to be tried again.
    delete from ordinaut.limit_slot
    where name = 'concurrency_key' and job_id = any(array(select job_id from deleted_work union all select job_id from out_of_line))
), outbox_rows as (
    insert into ordinaut.outbox (type, queue, kind, job_ids, attempts)
    select 'parked', queue, kind, array_agg(job_id), array_agg(attempt)
    from deleted_work
    group by queue, kind
)
select (select count(*) from deleted_work) + (select count(*) from out_of_line)
