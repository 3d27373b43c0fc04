-- The limits that tasks imply and that no job needs any more: none is left that has the flag. An
-- entry of task_job is written together with its job, and stays at least as long.
select name
from ordinaut.job_limit
where queue = ''
  and not exists (
      select
      from ordinaut.task_job
      where exists (select from ordinaut.due_work
                    where due_work.job_id = task_job.job_id and flags & ordinaut.flag_task_limited() <> 0 offset 0)
         or exists (select from ordinaut.parked
                    where parked.job_id = task_job.job_id and flags & ordinaut.flag_task_limited() <> 0 offset 0)
  )
