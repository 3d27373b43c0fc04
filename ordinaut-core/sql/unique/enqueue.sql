-- Insert unique jobs, in the caller's transaction: of those whose keys ($14, $15, $16, $17) are held by others, nothing.
-- In the order of the keys, which is that of the arrays, so that two such statements never wait for each other in a circle.
--
-- hold_key looks anew for each: a key that was committed after this statement began is held. One that takes the place of a
-- job that waited is due when that one was, or now if this has passed: workers' floors are above what has. One that must not run beside another job is
-- parked behind it (unique/let_go.sql).
with asked as materialized (
    select id, kind, queue, args, priority, max_attempts, timeout, tags, backoff, tenant, mode, after_end, n,
           ordinaut.unique_key_hash(key, period) as key,
           coalesce(run_at, clock_timestamp() + make_interval(secs => delay)) as scheduled_for
    from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::smallint[], $6::smallint[], $7::float8[], $8::text[],
                $9::timestamptz[], $10::float8[], $12::text[], $13::text[], $14::text[], $15::float8[], $16::float8[], $17::text[])
        with ordinality
        as a(id, kind, queue, args, priority, max_attempts, timeout, tags, run_at, delay, backoff, tenant, key, period,
             after_end, mode, n)
), in_order as materialized (
    select * from asked order by n
), held as materialized (
    select *, ordinaut.hold_key(key, id, make_interval(secs => after_end), mode) as answer from in_order
), new as materialized (
    select held.*, (answer).due, (answer).behind,
           case when mode in ('until_started', 'run_again') then 0 else 8 end as flags
    from held
    where (answer).holder = id
), new_job as (
    insert into ordinaut.job (id, kind, queue, args, priority, max_attempts, timeout, tags, backoff, tenant, scheduled_for,
                              unique_key, unique_after_end)
    select id, kind, queue, args::jsonb, priority, max_attempts, make_interval(secs => timeout), tags::text[],
           backoff::jsonb, tenant, scheduled_for, key, make_interval(secs => after_end)
    from new
), new_work as (
    insert into ordinaut.due_work (run_at, job_id, priority, queue, kind, flags)
    select greatest(coalesce(due, scheduled_for), clock_timestamp()), id, priority, queue, kind, flags
    from new
    where behind is null
), set_aside as (
    insert into ordinaut.parked (job_id, run_at, priority, attempt, failures, flags, queue, kind, reason, key)
    select id, greatest(coalesce(due, scheduled_for), clock_timestamp()), priority, 0, 0, flags, queue, kind, 'run_again', behind
    from new
    where behind is not null
), told as (
    insert into ordinaut.outbox (type, queue, kind, job_ids, attempts)
    select 'enqueued', queue, kind, array_agg(id), array_agg(0)
    from new
    group by queue, kind
), woken as (
    -- Only workers that asked for it, and not at all ($11) where the library tells after a commit of its own.
    select count(pg_notify($11::text, queue))
    from ordinaut.worker cross join unnest(worker.queues) as queue
    where $11::text is not null and waiting and ended_at is null and queue = any($3::text[])
)
select id, (answer).holder from held cross join woken
