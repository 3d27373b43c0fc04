-- Take up to $1 tasks that are due, the longest due first, and the database's clock; none while all
-- queues ('*') are paused. skip locked: schedulers that look at once take different tasks. Those of
-- $2 cannot be read, and stay as they are.
select id, definition, next_run_at, clock_timestamp() as now
from ordinaut.task
where next_run_at <= statement_timestamp() and id <> all($2::uuid[])
  and not exists (select from ordinaut.queue where name = '*' and paused_at is not null)
order by next_run_at
limit $1::bigint
for update skip locked
