-- Remove the task $1. Its jobs, their runs and its fires stay until they are past retention; so do the entries of jobs with a
-- concurrency key, because one that still runs keeps others of the key waiting.
with unlisted as (
    delete from ordinaut.task_job where task_id = $1::uuid and concurrency_key is null
), unkept as (
    delete from ordinaut.task_key where task_id = $1::uuid
)
delete from ordinaut.task where id = $1::uuid
