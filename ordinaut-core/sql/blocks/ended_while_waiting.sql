-- What is written of jobs that end while no worker has them, whatever ends them: a run without a
-- session under the attempt's next number, the end of their unique keys, the end that somebody
-- follows, the count, and the event.
-- The statement has removed their rows, and names them in "deleted_jobs" (job_id, attempt, flags,
-- queue, kind, reason).
recorded as (
    insert into ordinaut.run (job_id, attempt, outcome, error)
    select job_id, attempt + 1, 'cancelled', reason
    from deleted_jobs
), key_freed as (
    update ordinaut.unique_key
    set held_until = clock_timestamp() + after_end
    where job_id = any(array(select job_id from deleted_jobs where flags & ordinaut.flag_unique() <> 0))
), end_followed as (
    insert into ordinaut.followed_end (job_id, outcome)
    select job_id, 'cancelled' from deleted_jobs where flags & ordinaut.flag_followed() <> 0
), counted as (
    insert into ordinaut.outcome_count (queue, outcome, ended)
    select queue, 'cancelled', count(*)
    from deleted_jobs
    group by queue
), outbox_rows as (
    insert into ordinaut.outbox (type, queue, kind, job_ids, attempts)
    select 'cancelled', queue, kind, array_agg(job_id), array_agg(attempt + 1)
    from deleted_jobs
    group by queue, kind
)
