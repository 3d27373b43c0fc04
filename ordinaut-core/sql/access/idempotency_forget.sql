-- Forget the request $3 under the key $2 of the agent $1, unless its answer is kept.
delete from ordinaut.idempotency_key
where agent = $1::text and key = $2::text and request = $3::bytea and status is null
