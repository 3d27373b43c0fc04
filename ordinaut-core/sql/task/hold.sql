-- One task, which nobody else changes or fires until the transaction ends, and the database's
-- clock; if it is of the tenant $2 and of one of the queues $3 that the caller sees.
select id, definition, status, last_error, next_run_at, condition_state, version, misfires, created_by, created_at, updated_at, clock_timestamp() as now
from ordinaut.task
where id = $1::uuid
  and ($2::text is null or tenant = $2::text) and ($3::text[] is null or queue = any($3::text[]))
for update
