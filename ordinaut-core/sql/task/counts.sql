-- Number of tasks of each status, of those that the scheduler paused, and of their misfires.
select status, count(*) as tasks, count(last_error) as paused_by_error, sum(misfires)::bigint as misfires
from ordinaut.task
group by status
order by status
