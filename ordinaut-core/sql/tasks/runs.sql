-- Up to $2 runs of the task $1, those of its newest job first, after the one of the job $3 that has the attempt $4.
select job.id as job_id, job.scheduled_for, run.attempt, run.started_at, run.finished_at, run.outcome, run.error
from ordinaut.job
join ordinaut.run on run.job_id = any(array[job.id])
where job.task_id = $1::uuid and ($3::uuid is null or (job.id, run.attempt) < ($3::uuid, $4::integer))
order by job.id desc, run.attempt desc
limit $2::bigint
