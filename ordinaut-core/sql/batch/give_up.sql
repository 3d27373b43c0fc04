-- Cancel the jobs $1, each for its reason ($2), because what they wait for has not come about. This
-- transaction holds their rows.
with gone as materialized (
    select * from unnest($1::uuid[], $2::text[]) as g(id, reason)
), waits_no_more as (
    delete from ordinaut.dependency where child_id = any($1::uuid[])
), deleted_jobs as (
    delete from ordinaut.parked
    using gone
    where parked.job_id = any(array[gone.id]) and coalesce(parked.reason, '') in ('dependency', 'batch')
    returning parked.job_id, attempt, flags, queue, kind, gone.reason
), {{ended_while_waiting}}
select count(*) from deleted_jobs
