-- Take up to $1 tasks that are due, the longest due first, and the database's clock. skip locked: schedulers that look at
-- once take different tasks.
select id, definition, next_run_at, clock_timestamp() as now
from ordinaut.task
where next_run_at <= statement_timestamp()
order by next_run_at
limit $1::bigint
for update skip locked
