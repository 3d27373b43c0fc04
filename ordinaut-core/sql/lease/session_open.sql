-- Begin a session, and make its queues known.
with known as (
    insert into ordinaut.queue (name)
    select unnest($6::text[])
    on conflict (name) do nothing
)
insert into ordinaut.worker (session, name, host, pid, version, queues, kinds, concurrency, max_attempts,
                             lease, expires_at)
values ($1::bigint, $2::text, $3::text, $4::integer, $5::text, $6::text[], $7::text[], $8::integer, $9::smallint,
        make_interval(secs => $10::float8), clock_timestamp() + make_interval(secs => $10::float8))
