-- Insert one job with its work, in the caller's transaction: what enqueue.sql writes for a job
-- among many, without the arrays, the grouping and the sorting, which for a single row cost the
-- server more than the three inserts do.
--
-- clock_timestamp(), not now(): see there; a delay counts from the statement, so that both rows say
-- the same. greatest passes over what is null.
with new_job as (
    insert into ordinaut.job (id, kind, queue, args, priority, max_attempts, timeout, tags, backoff, tenant,
                              trace_context, scheduled_for)
    values ($1::uuid, $2::text, $3::text, $4::text::jsonb, $5::smallint, $6::smallint, make_interval(secs => $7::float8),
            $8::text[], $12::text::jsonb, $13::text, $14::text,
            coalesce($9::timestamptz, statement_timestamp() + make_interval(secs => $10::float8)))
), new_work as (
    insert into ordinaut.due_work (run_at, job_id, priority, queue, kind)
    values (greatest($9::timestamptz, statement_timestamp() + make_interval(secs => $10::float8), clock_timestamp()),
            $1::uuid, $5::smallint, $3::text, $2::text)
), outbox_rows as (
    insert into ordinaut.outbox (type, queue, kind, job_ids, attempts)
    values ('enqueued', $3::text, $2::text, array[$1::uuid], '{0}')
)
-- Only a worker that asked for it is told, and not at all ($11) where the library tells after a
-- commit of its own.
select pg_notify($11::text, $3::text)
where $11::text is not null
  and exists (select from ordinaut.worker where waiting and ended_at is null and $3::text = any(queues))
