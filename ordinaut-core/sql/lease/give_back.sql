-- Hand leases back whose handlers never started ($1 job, $2 attempt, of session $3, $4 nonce): due
-- at once, no run, failures and the suspect flag as they were. Nothing becomes free in place: it is
-- a new row. "= any(array[…])" keeps the look-up one by key: see settle.sql.
with returned as (
    select * from unnest($1::uuid[], $2::integer[], $4::integer[]) as r(job_id, attempt, nonce)
), deleted_work as (
    delete from ordinaut.due_work
    using returned
    where due_work.job_id = any(array[returned.job_id]) and due_work.attempt = returned.attempt
      and due_work.session = $3::bigint and due_work.nonce = returned.nonce
    returning due_work.*,
              'cancelled before its handler started' as stopped
), new_work as (
    insert into ordinaut.due_work (run_at, job_id, priority, attempt, failures, flags, queue, kind)
    select clock_timestamp(), job_id, priority, attempt, failures, flags & ~ordinaut.flag_limited(), queue, kind
    from deleted_work
    where flags & ordinaut.flag_cancel_asked() = 0
), {{asked_to_stop}}, outbox_rows as (
    insert into ordinaut.outbox (type, queue, kind, job_ids, attempts)
    select case when flags & ordinaut.flag_cancel_asked() <> 0 then 'cancelled' else 'given_back' end, queue, kind,
           array_agg(job_id), array_agg(attempt)
    from deleted_work
    group by 1, queue, kind
)
select count(*) from deleted_work
