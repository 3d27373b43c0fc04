-- Remove the task $1. Its jobs, their runs and its fires stay until they are past retention.
with unlisted as (
    delete from ordinaut.task_job where task_id = $1::uuid
), unkept as (
    delete from ordinaut.task_key where task_id = $1::uuid
)
delete from ordinaut.task where id = $1::uuid
