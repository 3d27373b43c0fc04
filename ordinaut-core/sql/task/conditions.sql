-- Take up to $1 active tasks that wait for a condition, after the task $2, each with its schedule
-- alone, and the database's clock; none while all queues ('*') are paused. skip locked: schedulers
-- that look at once take different tasks.
select id, schedule::text as schedule, condition_state, clock_timestamp() as now
from ordinaut.task
where schedule_kind = 'condition' and status = 'active' and ($2::uuid is null or id > $2::uuid)
  and not exists (select from ordinaut.queue where name = '*' and paused_at is not null)
order by id
limit $1::bigint
for update skip locked
