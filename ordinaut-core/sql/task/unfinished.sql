-- Number of jobs of each of the tasks $1 that have not ended; of a task without a row none. What
-- has ended is cleared, so that the next look is short. The caller has locked the tasks (lock.sql).
with living as materialized (
    select task_job.task_id, task_job.job_id
    from unnest($1::uuid[]) as requested(id)
    cross join lateral (select task_id, job_id from ordinaut.task_job where task_job.task_id = requested.id offset 0) task_job
    where exists (select from ordinaut.due_work where due_work.job_id = task_job.job_id offset 0)
       or exists (select from ordinaut.parked where parked.job_id = task_job.job_id offset 0)
), cleared as (
    delete from ordinaut.task_job
    where task_id = any($1::uuid[])
      and not exists (select from living where living.task_id = task_job.task_id and living.job_id = task_job.job_id)
)
select task_id, count(*) from living group by task_id
