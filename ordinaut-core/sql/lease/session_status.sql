-- How the session $1 stands: what it said of itself, whether its leases hold, and whether an
-- operator drained its worker. Until its leases are over nobody rescues its jobs: the answer may be
-- believed until then, and no longer.
select name, queues, kinds, concurrency, max_attempts, extract(epoch from lease)::float8 as lease_seconds, agent, labels,
       ended_at is null and expires_at > clock_timestamp() as alive,
       greatest(0, extract(epoch from expires_at - clock_timestamp()))::float8 as seconds_left,
       exists (select from ordinaut.drained_worker where drained_worker.name = worker.name) as drained,
       waiting as asks_to_be_told
from ordinaut.worker
where session = $1::bigint
