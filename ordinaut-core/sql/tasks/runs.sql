-- Up to $2 runs of the jobs of the task $1, those of the newest job first, of jobs older than $3.
select job.id as job_id, job.scheduled_for, run.attempt, run.started_at, run.finished_at, run.outcome, run.error
from ordinaut.job
join ordinaut.run on run.job_id = job.id
where job.task_id = $1::uuid and ($3::uuid is null or job.id < $3::uuid)
order by job.id desc, run.attempt desc
limit $2::bigint
