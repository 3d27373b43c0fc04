-- Take up to $1 tasks that are due by the clock of the test, each as if it were its very instant;
-- and how many seconds that clock is ahead.
select task.id, task.definition, task.next_run_at, task.next_run_at as now, clock.ahead
from ordinaut.task
cross join (
    select coalesce(max(value), 0) as ahead from ordinaut.fact where name = 'testing: seconds ahead'
) clock
where next_run_at <= statement_timestamp() + make_interval(secs => clock.ahead)
order by next_run_at
limit $1::bigint
for update of task
