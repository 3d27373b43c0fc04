-- Make those of the jobs $1 due now whose waits are answered. A job whose attempt has not been
-- settled yet is left alone: its worker asks again after the settle. One that is set aside is due
-- when it comes back. The queues in which jobs are due.
with answered as materialized (
    select distinct job_id from ordinaut.wait where job_id = any($1::uuid[]) and answered_at is not null
), moved as (
    update ordinaut.due_work
    set run_at = clock_timestamp()
    from answered
    where due_work.job_id = any(array[answered.job_id]) and session is null and run_at > clock_timestamp()
    returning due_work.job_id, attempt, queue, kind
), set_aside as (
    update ordinaut.parked
    set run_at = clock_timestamp()
    from answered
    where parked.job_id = any(array[answered.job_id]) and run_at > clock_timestamp()
), outbox_rows as (
    insert into ordinaut.outbox (type, queue, kind, job_ids, attempts)
    select 'run_now', queue, kind, array_agg(job_id), array_agg(attempt)
    from moved
    group by queue, kind
)
select distinct queue from moved
