-- Take up to $1 active services, after the task $2, none of whose jobs is seen that has not ended,
-- each with its schedule alone: most wait for their pause to end, and their arguments may be large.
-- skip locked: schedulers that look at once take different tasks. One that runs is only read. None
-- while all queues ('*') are paused.
select id, schedule::text
from ordinaut.task
where schedule_kind = 'service' and status = 'active' and ($2::uuid is null or id > $2::uuid)
  and not exists (select from ordinaut.queue where name = '*' and paused_at is not null)
  and not exists (
      select
      from ordinaut.task_job
      where task_job.task_id = task.id
        and (exists (select from ordinaut.due_work where due_work.job_id = task_job.job_id offset 0)
          or exists (select from ordinaut.parked where parked.job_id = task_job.job_id offset 0))
      offset 0
  )
order by id
limit $1::bigint
for update of task skip locked
