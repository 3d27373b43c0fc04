-- One task.
select id, definition, title, status, last_error, next_run_at, condition_state, version, created_at, updated_at
from ordinaut.task
where id = $1::uuid
