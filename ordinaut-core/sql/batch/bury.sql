-- Bury the jobs $1, each for its reason ($2), because a job that they come after has failed: what
-- ended_while_waiting writes, and a dead letter of each. A requeue runs them without waiting.
with gone as materialized (
    select * from unnest($1::uuid[], $2::text[]) as g(id, reason)
), waits_no_more as (
    delete from ordinaut.dependency where child_id = any($1::uuid[])
), deleted_jobs as (
    delete from ordinaut.parked
    using gone
    where parked.job_id = any(array[gone.id]) and coalesce(parked.reason, '') = 'dependency'
    returning parked.job_id, attempt, failures, flags, queue, kind, priority, gone.reason
), recorded as (
    insert into ordinaut.run (job_id, attempt, outcome, error)
    select job_id, attempt + 1, 'dead', reason from deleted_jobs
), died as (
    select job_id, reason as error, attempt + 1 as attempt, failures, kind, queue, priority from deleted_jobs
), {{buried}}, key_freed as (
    update ordinaut.unique_key
    set held_until = clock_timestamp() + after_end
    where job_id = any(array(select job_id from deleted_jobs where flags & ordinaut.flag_unique() <> 0))
), end_followed as (
    insert into ordinaut.followed_end (job_id, outcome)
    select job_id, 'dead' from deleted_jobs where flags & ordinaut.flag_followed() <> 0
), counted as (
    insert into ordinaut.outcome_count (queue, outcome, ended)
    select queue, 'dead', count(*) from deleted_jobs group by queue
), outbox_rows as (
    insert into ordinaut.outbox (type, queue, kind, job_ids, attempts)
    select 'dead', queue, kind, array_agg(job_id), array_agg(attempt + 1) from deleted_jobs group by queue, kind
)
select count(*) from deleted_jobs
