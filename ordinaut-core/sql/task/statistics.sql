-- How the runs of the task $1 went in the last $2 days, together and for each day (UTC).
with ended as (
    select run.outcome, run.finished_at,
           extract(epoch from run.finished_at - run.started_at)::float8 as seconds
    from ordinaut.job
    join ordinaut.run on run.job_id = any(array[job.id])
    where job.task_id = $1::uuid and run.finished_at >= statement_timestamp() - make_interval(days => $2::integer)
), per_day as (
    select (finished_at at time zone 'UTC')::date as day, count(*) as runs,
           count(*) filter (where outcome = 'succeeded') as succeeded
    from ended
    group by 1
)
select count(*) as runs,
       count(*) filter (where outcome = 'succeeded') as succeeded,
       count(*) filter (where outcome in ('failed', 'dead', 'lost')) as failed,
       avg(seconds) as average, percentile_cont(0.95) within group (order by seconds) as p95,
       coalesce((select jsonb_agg(to_jsonb(per_day) order by day) from per_day), '[]') as per_day
from ended
