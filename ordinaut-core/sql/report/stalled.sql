-- Mark up to $1 jobs as stalled whose progress has not changed in time: once, until it changes.
-- Their event is written, and those that ask for it are cancelled, as cancel.sql does. Of attempts
-- that have ended, only the watch ends. The number that are stalled, and of those that were asked
-- to stop.
with late as materialized (
    select job_id, attempt, cancel_stalled
    from ordinaut.progress
    where stalls_at <= clock_timestamp()
    order by stalls_at
    limit $1::bigint
    for update skip locked
), running as materialized (
    select late.*, work.queue, work.kind
    from late
    cross join lateral (
        select queue, kind
        from ordinaut.due_work
        where due_work.job_id = late.job_id and due_work.attempt = late.attempt and session is not null
        offset 0
    ) work
), marked as (
    update ordinaut.progress
    set stalls_at = null,
        stalled_at = case when exists (select from running where running.job_id = late.job_id) then clock_timestamp() end
    from late
    where progress.job_id = any(array[late.job_id])
), flagged as (
    update ordinaut.due_work
    set flags = flags | ordinaut.flag_cancel_asked()
    from running
    where due_work.job_id = any(array[running.job_id]) and due_work.attempt = running.attempt
      and due_work.session is not null and running.cancel_stalled
    returning due_work.job_id, due_work.session
), worker_notified as (
    update ordinaut.worker
    set cancel_asked = cancel_asked || asked.job_ids
    from (select session, array_agg(job_id) as job_ids from flagged group by session order by session) asked
    where worker.session = asked.session
), outbox_rows as (
    insert into ordinaut.outbox (type, queue, kind, job_ids, attempts)
    select 'stalled', queue, kind, array_agg(job_id), array_agg(attempt)
    from running
    group by queue, kind
)
select (select count(*) from running) as stalled, (select count(*) from flagged) as asked
