-- Webhooks by name: up to $1, after the name $2.
select id, name, url, types, queues, kinds, queue, created_by, created_at, failing_since, last_error, disabled_at
from ordinaut.webhook
where $2::text is null or name > $2::text
order by name
limit $1::bigint
