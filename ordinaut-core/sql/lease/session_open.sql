-- Begin a session, and make its queues known. One look at the clock for all three instants: the
-- lease is exactly as long as said.
with clock as materialized (
    select clock_timestamp() as now
), known as (
    insert into ordinaut.queue (name)
    select unnest($6::text[])
    on conflict (name) do nothing
)
insert into ordinaut.worker (session, name, host, pid, version, queues, kinds, concurrency, max_attempts,
                             lease, started_at, renewed_at, expires_at, agent, labels)
select $1::bigint, $2::text, $3::text, $4::integer, $5::text, $6::text[], $7::text[], $8::integer, $9::smallint,
       make_interval(secs => $10::float8), now, now, now + make_interval(secs => $10::float8), $11::text,
       $12::text[]
from clock
