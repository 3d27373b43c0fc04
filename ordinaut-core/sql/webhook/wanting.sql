-- The webhooks that are told of events.
select id, name, url, types, queues, kinds, queue, created_by, created_at, failing_since, last_error, disabled_at
from ordinaut.webhook
where disabled_at is null
