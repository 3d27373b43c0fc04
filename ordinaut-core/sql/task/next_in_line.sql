-- Of each line $1 let the job wait again that was parked for the longest time, if nobody works under its concurrency key and
-- its task has fewer jobs than it may have; a paused task's stay. A job that a limit has set aside works too: it may be let
-- in at any moment. The caller runs alone and holds the locks of the lines: a second look with an older
-- snapshot, or a fire at the same moment, would let another job go too.
with waiting as materialized (
    select distinct job.task_id, parked.key
    from ordinaut.parked
    cross join lateral (select task_id from ordinaut.job where job.id = parked.job_id offset 0) job
    where parked.reason = 'concurrency_key' and parked.key = any($1::text[])
), listed as (
    select task_id, job_id, concurrency_key from ordinaut.task_job where task_id = any(array(select task_id from waiting))
    union
    select task_id, job_id, concurrency_key from ordinaut.task_job where concurrency_key = any($1::text[])
), working as materialized (
    select *
    from listed
    where exists (select from ordinaut.due_work where due_work.job_id = listed.job_id offset 0)
       or exists (select from ordinaut.parked where parked.job_id = listed.job_id and parked.reason = 'limit' offset 0)
), idle as (
    select oldest.job_id
    from unnest($1::text[]) as line(key)
    cross join lateral (
        select parked.job_id, task.id as task_id, (task.definition ->> 'max_instances')::integer as most
        from ordinaut.parked
        cross join lateral (select task_id from ordinaut.job where job.id = parked.job_id offset 0) job
        join ordinaut.task on task.id = job.task_id and task.status <> 'paused'
        where parked.reason = 'concurrency_key' and parked.key = line.key
        order by parked.parked_at, parked.job_id
        limit 1
    ) oldest
    where not exists (select from working where working.concurrency_key = line.key)
      and (oldest.most is null or (select count(*) from working where working.task_id = oldest.task_id) < oldest.most)
), unparked as (
    delete from ordinaut.parked
    using idle
    where parked.job_id = any(array[idle.job_id])
    returning parked.*
), {{unparked}}
select distinct queue from unparked
