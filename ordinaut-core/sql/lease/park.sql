-- Set the jobs of leases aside whose target takes no calls ($1 job, $2 attempt, $3 session, $4
-- nonce, $5 target): no run, failures and the suspect flag as they were. A job that was asked to
-- stop is cancelled. Each waits for its target with the instant at which it was due, and under an
-- ordered limit it keeps its place. "= any(array[…])" keeps the look-up one by key: see settle.sql.
-- What is returned was written, as settle.sql returns it; a token that is missing had lost its
-- lease.
with unavailable as (
    select * from unnest($1::uuid[], $2::integer[], $3::bigint[], $4::integer[], $5::text[])
        as u(job_id, attempt, session, nonce, target)
), deleted_work as (
    delete from ordinaut.due_work
    using unavailable
    where due_work.job_id = any(array[unavailable.job_id]) and due_work.attempt = unavailable.attempt
      and due_work.session = unavailable.session and due_work.nonce = unavailable.nonce
    returning due_work.*, unavailable.target,
              'cancelled before its target took calls again' as stopped
), newly_parked as (
    insert into ordinaut.parked (job_id, run_at, priority, attempt, failures, flags, queue, kind, reason, key)
    select job_id, run_at, priority, attempt, failures, flags & ~ordinaut.flag_limited(), queue, kind, 'target', target
    from deleted_work
    where flags & ordinaut.flag_cancel_asked() = 0
), {{asked_to_stop}}, outbox_rows as (
    insert into ordinaut.outbox (type, queue, kind, job_ids, attempts)
    select case when flags & ordinaut.flag_cancel_asked() <> 0 then 'cancelled' else 'parked' end, queue, kind,
           array_agg(job_id), array_agg(attempt)
    from deleted_work
    group by 1, queue, kind
    returning type, job_ids, attempts
)
select outbox_rows.*, exists (select from end_followed) as followed from outbox_rows
