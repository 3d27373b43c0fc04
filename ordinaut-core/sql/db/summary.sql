-- How the jobs $1 fared together: how many ended in which way, how many attempts were retried, and
-- the time that they waited between being due for the first time and their first attempt.
with requested as (
    select unnest($1::uuid[]) as id
), state as (
    select job_state.state, count(*) as jobs
    from requested
    cross join lateral (select * from ordinaut.job_state where job_state.job_id = requested.id offset 0) as job_state
    group by job_state.state
), first_wait as (
    select extract(epoch from run.started_at - greatest(job.created_at, job.scheduled_for))::float8 as seconds
    from requested
    join ordinaut.job on job.id = any(array[requested.id])
    cross join lateral (
        select started_at from ordinaut.run where run.job_id = requested.id and run.attempt = 1 offset 0
    ) run
    where run.started_at is not null
)
select coalesce((select sum(jobs) from state), 0)::bigint as jobs,
       coalesce((select sum(jobs) from state where state = 'succeeded'), 0)::bigint as succeeded,
       coalesce((select sum(jobs) from state where state = 'dead'), 0)::bigint as dead,
       coalesce((select sum(jobs) from state where state = 'cancelled'), 0)::bigint as cancelled,
       (select count(*) from ordinaut.run where job_id = any($1::uuid[]) and outcome = 'failed') as retried,
       (select count(*) from ordinaut.run where job_id = any($1::uuid[]) and outcome = 'snoozed') as snoozed,
       coalesce((select percentile_cont(0.5) within group (order by seconds) from first_wait), 0)::float8 as wait_p50,
       coalesce((select percentile_cont(0.95) within group (order by seconds) from first_wait), 0)::float8 as wait_p95
