-- The active tasks that wait for events.
select id, definition, status, trouble, next_run_at, version, created_at, updated_at
from ordinaut.task
where schedule_kind = 'event' and status = 'active'
order by id
