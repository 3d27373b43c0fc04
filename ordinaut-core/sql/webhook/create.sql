-- A webhook $1 by name ($2), with its first secret ($3). No row: the name is taken.
with made as (
    insert into ordinaut.webhook (id, name, url, types, queues, kinds, queue, created_by)
    values ($1::uuid, $2::text, $4::text, $5::text[], $6::text[], $7::text[], $8::text, $9::text)
    on conflict (name) do nothing
    returning *
), secret as (
    insert into ordinaut.webhook_secret (webhook_id, secret)
    select id, $3::bytea from made
)
select id, name, url, types, queues, kinds, queue, created_by, created_at, failing_since, last_error, disabled_at
from made
