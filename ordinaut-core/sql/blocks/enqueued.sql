-- New jobs with what each needs: its row in job, its work (or its place in parked, where "new" has
-- a park_reason), and the event. "new" has the columns of job, and due, flags, park_reason and
-- park_key. enqueue.sql and enqueue_one.sql, whose cost is measured, write the same by hand.
new_job as (
    insert into ordinaut.job (id, kind, queue, args, priority, max_attempts, timeout, tags, backoff, task_id, tenant,
                              trace_context, scheduled_for, unique_key, unique_after_end, batch_id, placement)
    select id, kind, queue, args, priority, max_attempts, timeout, tags, backoff, task_id, tenant, trace_context,
           scheduled_for, unique_key, unique_after_end, batch_id, placement
    from new
), new_work as (
    insert into ordinaut.due_work (run_at, job_id, priority, queue, kind, flags)
    select greatest(due, clock_timestamp()), id, priority, queue, kind, flags
    from new
    where park_reason is null
), new_parked as (
    insert into ordinaut.parked (job_id, run_at, priority, attempt, failures, flags, queue, kind, reason, key)
    select id, due, priority, 0, 0, flags, queue, kind, park_reason, park_key
    from new
    where park_reason is not null
), outbox_rows as (
    insert into ordinaut.outbox (type, queue, kind, job_ids, attempts)
    select 'enqueued', queue, kind, array_agg(id), array_agg(0)
    from new
    group by queue, kind
)
