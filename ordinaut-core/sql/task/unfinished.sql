-- How many jobs of the tasks $1 have not ended, and whether somebody works under a task's concurrency key. What has ended
-- is cleared, so that the next look is short. Whoever asks holds the rows of the tasks.
with asked as (
    select id, concurrency_key from ordinaut.task where id = any($1::uuid[])
), living as materialized (
    select task_job.task_id, task_job.job_id
    from asked
    cross join lateral (select task_id, job_id from ordinaut.task_job where task_job.task_id = asked.id offset 0) task_job
    where exists (select from ordinaut.due_work where due_work.job_id = task_job.job_id offset 0)
       or exists (select from ordinaut.parked where parked.job_id = task_job.job_id offset 0)
), cleared as (
    delete from ordinaut.task_job
    where task_id = any($1::uuid[])
      and not exists (select from living where living.task_id = task_job.task_id and living.job_id = task_job.job_id)
)
select asked.id, (select count(*) from living where task_id = asked.id) as unfinished,
       asked.concurrency_key is not null and exists (
           select
           from ordinaut.task_job
           where task_job.concurrency_key = asked.concurrency_key
             and (exists (select from ordinaut.due_work where due_work.job_id = task_job.job_id offset 0)
               or exists (select from ordinaut.parked where parked.job_id = task_job.job_id offset 0))
       ) as key_is_taken
from asked
