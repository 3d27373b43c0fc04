-- Renew all leases of the session $1, and store what it counted. No row: it was declared dead.
update ordinaut.worker
set renewed_at = clock_timestamp(), expires_at = clock_timestamp() + lease, running = $2::integer,
    finished = $3::text::jsonb
where session = $1::bigint and ended_at is null
returning session
