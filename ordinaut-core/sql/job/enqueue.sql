-- Insert many jobs (one: enqueue_one.sql), with the work to be done for each, in the caller's
-- transaction.
--
-- Nothing shared is locked. The ids are the client's, so nothing needs to be returned.
-- clock_timestamp(), not now(): now() is the start of the caller's transaction, and a row that is
-- older than what workers have already passed would wait for a sweep. The instant that was asked
-- for stays in the job. Where no job says what it is enqueued for, that array ($14) is null.
with requested as materialized (
    select id, kind, queue, args, priority, max_attempts, timeout, tags, backoff, tenant, trace_context,
           coalesce(run_at, clock_timestamp() + make_interval(secs => delay)) as scheduled_for
    from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::smallint[], $6::smallint[],
                $7::float8[], $8::text[], $9::timestamptz[], $10::float8[], $12::text[], $13::text[],
                $14::text[])
        as a(id, kind, queue, args, priority, max_attempts, timeout, tags, run_at, delay, backoff, tenant, trace_context)
), new_job as (
    insert into ordinaut.job (id, kind, queue, args, priority, max_attempts, timeout, tags, backoff,
                              tenant, trace_context, scheduled_for)
    select id, kind, queue, args::jsonb, priority, max_attempts, make_interval(secs => timeout),
           tags::text[], backoff::jsonb, tenant, trace_context, scheduled_for
    from requested
), new_work as (
    insert into ordinaut.due_work (run_at, job_id, priority, queue, kind)
    select greatest(scheduled_for, clock_timestamp()), id, priority, queue, kind
    from requested
), outbox_rows as (
    insert into ordinaut.outbox (type, queue, kind, job_ids, attempts)
    select 'enqueued', queue, kind, array_agg(id), array_agg(0)
    from requested
    group by queue, kind
)
-- A notification holds a lock that all producers share until the commit is flushed, so that only a
-- worker that has asked for it is told by one; not at all ($11) where the library tells after a
-- commit of its own. Nobody asks while much comes, so the workers are looked at first. Postgres
-- drops notifications that repeat.
select pg_notify($11::text, queue)
from ordinaut.worker cross join unnest(worker.queues) as queue
where $11::text is not null and waiting and ended_at is null and queue = any($3::text[])
