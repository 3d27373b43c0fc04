-- Insert unique jobs, in the caller's transaction: of those whose keys ($14, $15, $16, $17) are
-- held by others, nothing. In the order of the keys, which is that of the arrays, so that two such
-- statements never wait for each other in a circle.
--
-- hold_key looks anew for each: a key that was committed after this statement began is held. One
-- that takes the place of a job that waited is due when that one was, or now if this has passed:
-- workers' floors are above what has. One that must not run beside another job is parked behind it
-- (unique_let_go.sql).
with requested as materialized (
    select id, kind, queue, args, priority, max_attempts, timeout, tags, backoff, tenant, mode, after_end, trace_context, n,
           ordinaut.unique_key_hash(key, period) as key,
           coalesce(run_at, clock_timestamp() + make_interval(secs => delay)) as scheduled_for
    from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::smallint[], $6::smallint[], $7::float8[], $8::text[],
                $9::timestamptz[], $10::float8[], $12::text[], $13::text[], $14::text[], $15::float8[], $16::float8[], $17::text[],
                $18::text[])
        with ordinality
        as a(id, kind, queue, args, priority, max_attempts, timeout, tags, run_at, delay, backoff, tenant, key, period,
             after_end, mode, trace_context, n)
), in_order as materialized (
    select * from requested order by n
), held as materialized (
    select *, ordinaut.hold_key(key, id, make_interval(secs => after_end), mode) as answer from in_order
), new as materialized (
    select id, kind, queue, args::jsonb, priority, max_attempts, make_interval(secs => timeout) as timeout, tags::text[],
           backoff::jsonb, null::uuid as task_id, tenant, trace_context, scheduled_for, key as unique_key,
           make_interval(secs => after_end) as unique_after_end, null::uuid as batch_id, null::jsonb as placement,
           greatest(coalesce((answer).due, scheduled_for), clock_timestamp()) as due,
           case when mode in ('until_started', 'run_again') then 0 else ordinaut.flag_unique() end as flags,
           case when (answer).behind is not null then 'run_again' end as park_reason, (answer).behind::text as park_key
    from held
    where (answer).holder = id
), {{enqueued}}, woken as (
    -- Only workers that asked for it, and not at all ($11) where the library tells after a commit
    -- of its own.
    select count(pg_notify($11::text, queue))
    from ordinaut.worker cross join unnest(worker.queues) as queue
    where $11::text is not null and waiting and ended_at is null and queue = any($3::text[])
)
select id, (answer).holder from held cross join woken
