-- End the session $1, with its last counts, which count even if it was declared dead before. Leases
-- that it did not hand back are rescued at once.
update ordinaut.worker
set ended_at = coalesce(ended_at, clock_timestamp()), renewed_at = clock_timestamp(), running = 0, finished = $2::text::jsonb
where session = $1::bigint
