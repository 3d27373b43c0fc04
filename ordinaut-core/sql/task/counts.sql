-- Number of tasks of each status, and number of them that the scheduler paused.
select status, count(*) as tasks, count(trouble) as in_trouble from ordinaut.task group by status order by status
