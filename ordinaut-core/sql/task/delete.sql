-- Remove the task $1. Its jobs, their runs and its fires stay until they are past retention, and
-- the entries of its jobs until these have ended (maintenance/task_jobs.sql).
with unkept as (
    delete from ordinaut.task_key where task_id = $1::uuid
)
delete from ordinaut.task where id = $1::uuid
