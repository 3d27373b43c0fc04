-- Whether the services $1 have a job that has not ended, when the last one ended that did (null: none is known), and the
-- database's clock. A statement of its own, for who holds the rows of the tasks: it sees what the last holder fired.
select task.id, coalesce(bool_or(due_work.job_id is not null or parked.job_id is not null), false) as runs,
       max(ended.at) as ended_at, clock_timestamp() as now
from ordinaut.task
left join ordinaut.task_job on task_job.task_id = task.id
left join ordinaut.due_work on due_work.job_id = task_job.job_id
left join ordinaut.parked on parked.job_id = task_job.job_id
left join lateral (
    select finished_at as at from ordinaut.run where run.job_id = task_job.job_id order by attempt desc limit 1
) ended on true
where task.id = any($1::uuid[])
group by task.id
