-- Jobs of the task $1 that have not ended: the first five.
select task_job.job_id
from ordinaut.task_job
where task_job.task_id = $1::uuid
  and (exists (select from ordinaut.due_work where due_work.job_id = task_job.job_id offset 0)
    or exists (select from ordinaut.parked where parked.job_id = task_job.job_id offset 0))
order by task_job.job_id
limit 5
