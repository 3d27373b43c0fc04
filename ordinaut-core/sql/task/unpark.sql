-- Let the jobs wait again that the pause of the task $1 had set aside. Those with a concurrency key stay parked, for that
-- reason now: another task's job may work under the key, and next_in_line.sql decides.
with resumed as materialized (
    select parked.job_id, task_job.concurrency_key
    from ordinaut.parked
    left join lateral (
        select concurrency_key from ordinaut.task_job where task_job.job_id = parked.job_id offset 0
    ) task_job on true
    where parked.reason = 'task_paused' and parked.key = $1::uuid::text
), in_line as (
    update ordinaut.parked
    set reason = 'concurrency_key', key = resumed.concurrency_key
    from resumed
    where parked.job_id = any(array[resumed.job_id]) and resumed.concurrency_key is not null
), unparked as (
    delete from ordinaut.parked
    using resumed
    where parked.job_id = any(array[resumed.job_id]) and resumed.concurrency_key is null
    returning parked.*
), {{unparked}}
select distinct queue from unparked
