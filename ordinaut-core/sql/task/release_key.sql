-- Nobody holds the key of the task $1 any more.
delete from ordinaut.task_key where task_id = $1::uuid
