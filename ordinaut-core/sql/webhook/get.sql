-- The webhook that is named $1.
select id, name, url, types, queues, kinds, queue, created_by, created_at, failing_since, last_error, disabled_at
from ordinaut.webhook
where name = $1::text
