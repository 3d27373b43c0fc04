-- Let jobs of the queue $1 be claimed again. No row: it was not paused.
update ordinaut.queue
set paused_at = null, paused_by = null, paused_reason = null
where name = $1::text and paused_at is not null
returning name
