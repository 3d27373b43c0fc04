-- Declare sessions dead that were not renewed in time, by the database's clock alone.
--
-- An end that is further away than a lease was written before that clock was set back: it is
-- brought nearer, or it would not come for as long. After a restart or promotion of Postgres nobody
-- could renew for a while, so every session gets one lease from then.
with server as materialized (
    select ordinaut.takes_writes_since() as since
), nearer as (
    update ordinaut.worker
    set expires_at = clock_timestamp() + lease
    where ended_at is null and expires_at > clock_timestamp() + lease
)
update ordinaut.worker
set ended_at = clock_timestamp()
from server
where ended_at is null and expires_at < clock_timestamp()
  and server.since + lease < clock_timestamp()
returning session, name
