-- Number of tasks of each status, and number of them that the scheduler paused.
select status, count(*) as tasks, count(last_error) as paused_by_error from ordinaut.task group by status order by status
