-- Delete up to $1 keys of requests that a day has passed over.
delete from ordinaut.idempotency_key
where ctid = any(array(select ctid from ordinaut.idempotency_key
                       where created_at < clock_timestamp() - interval '1 day' limit $1::bigint))
