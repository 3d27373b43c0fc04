-- What is known of the request $3 under the key $2 of the agent $1; unknown, it gets the id $4 for
-- what it makes. A row that a day has passed over is of another request.
with kept as (
    insert into ordinaut.idempotency_key as known (agent, key, request, subject)
    values ($1::text, $2::text, $3::bytea, $4::uuid)
    on conflict (agent, key) do update
    set request = excluded.request, subject = excluded.subject, created_at = clock_timestamp(),
        status = null, content_type = null, location = null, body = null
    where known.created_at < clock_timestamp() - interval '1 day'
    returning request, subject, status, content_type, location, body
)
select * from kept
union all
select request, subject, status, content_type, location, body
from ordinaut.idempotency_key
where agent = $1::text and key = $2::text and not exists (select from kept)
