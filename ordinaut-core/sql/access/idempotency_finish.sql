-- Keep the answer of the request $3 under the key $2 of the agent $1, unless another attempt's is
-- kept.
update ordinaut.idempotency_key
set status = $4::smallint, content_type = $5::text, location = $6::text, body = $7::bytea
where agent = $1::text and key = $2::text and request = $3::bytea and status is null
