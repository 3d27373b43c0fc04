-- Up to $2 fires of the task $1, the latest first, before the instant $3, each with the state of
-- its job.
select fire.scheduled_for, fire.skipped, fire.job_id, fire.at, job_state.state
from ordinaut.fire
left join lateral (select * from ordinaut.job_state where job_state.job_id = fire.job_id offset 0) as job_state on true
where fire.task_id = $1::uuid and ($3::timestamptz is null or fire.scheduled_for < $3::timestamptz)
order by fire.scheduled_for desc
limit $2::bigint
