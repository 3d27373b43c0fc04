-- Whether the services $1 have a job that has not ended, when the last one ended that did (null:
-- none is known), and the database's clock. A statement of its own, for who holds the rows of the
-- tasks: it sees what the last holder fired.
select task.id, coalesce(bool_or(due_work.job_id is not null or parked.job_id is not null), false) as runs,
       max(ended.at) as ended_at, clock_timestamp() as now
from ordinaut.task
left join lateral (select job_id from ordinaut.task_job where task_job.task_id = task.id offset 0) task_job on true
left join lateral (select job_id from ordinaut.due_work where due_work.job_id = task_job.job_id offset 0) due_work on true
left join lateral (select job_id from ordinaut.parked where parked.job_id = task_job.job_id offset 0) parked on true
left join lateral (
    select finished_at as at from ordinaut.run where run.job_id = task_job.job_id order by attempt desc limit 1
) ended on true
where task.id = any($1::uuid[])
group by task.id
