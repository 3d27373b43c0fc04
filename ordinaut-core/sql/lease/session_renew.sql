-- Renew all leases of the session $1, and store what it counted. No row: it was declared dead.
--
-- It does not wait for the disk: a renewal that a crash loses is made up for by the lease that
-- every session gets after it.
with lazily as materialized (
    select set_config('synchronous_commit', 'off', true), clock_timestamp() as now
)
update ordinaut.worker
set renewed_at = now, expires_at = now + lease, running = $2::integer,
    finished = $3::text::jsonb
from lazily
where session = $1::bigint and ended_at is null
returning session
