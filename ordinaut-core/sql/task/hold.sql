-- One task, which nobody else changes or fires until the transaction ends, and the database's
-- clock.
select id, definition, status, last_error, next_run_at, condition_state, version, created_at, updated_at, clock_timestamp() as now
from ordinaut.task
where id = $1::uuid
for update
