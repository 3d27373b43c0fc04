-- How many tasks have each status, and how many of them the scheduler paused.
select status, count(*) as tasks, count(trouble) as in_trouble from ordinaut.task group by status order by status
