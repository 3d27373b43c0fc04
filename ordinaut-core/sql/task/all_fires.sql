-- Up to $1 due instants of all tasks, the latest first, before the one at $2 of the task $3, each
-- with the state of its job: of the task $4, skipped for the reason $5 (empty: not skipped), from
-- $6 to before $7, and of tasks of the tenant $8 and the queues $9, as far as these are given.
select fire.scheduled_for, fire.task_id, fire.skipped, fire.job_id, fire.at, job_state.state
from ordinaut.fire
left join lateral (select * from ordinaut.job_state where job_state.job_id = fire.job_id offset 0) as job_state on true
where ($2::timestamptz is null
       or fire.scheduled_for <= $2::timestamptz and (fire.scheduled_for, fire.task_id) < ($2::timestamptz, $3::uuid))
  and ($4::uuid is null or fire.task_id = $4::uuid)
  and ($5::text is null or coalesce(fire.skipped, '') = $5::text)
  and ($6::timestamptz is null or fire.scheduled_for >= $6::timestamptz)
  and ($7::timestamptz is null or fire.scheduled_for < $7::timestamptz)
  and ($8::text is null and $9::text[] is null or exists (
      select from ordinaut.task
      where task.id = fire.task_id and ($8::text is null or task.tenant = $8::text)
        and ($9::text[] is null or task.queue = any($9::text[]))
  ))
order by fire.scheduled_for desc, fire.task_id desc
limit $1::bigint
