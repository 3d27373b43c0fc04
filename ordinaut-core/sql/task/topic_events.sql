-- Up to $2 events of the topic $1 that reached tasks, the latest first, before the one at $3 for
-- the task $4, each with the state of its job.
select event_fire.at, event_fire.event_id, event_fire.task_id, event_fire.skipped, event_fire.job_id, job_state.state
from ordinaut.event_fire
left join lateral (select * from ordinaut.job_state where job_state.job_id = event_fire.job_id offset 0) as job_state on true
where topic = $1::text
  and ($3::timestamptz is null
       or event_fire.at <= $3::timestamptz and (event_fire.at, task_id) < ($3::timestamptz, $4::uuid))
order by event_fire.at desc, task_id desc
limit $2::bigint
