-- The share of failed attempts of the queue $1 among those of the last five minutes: of the newest
-- 10,000 jobs that were enqueued in that time, so that it costs the same however busy the queue is.
select avg(case when run.outcome in ('failed', 'dead', 'lost') then 1.0 else 0.0 end)::float8
from (
    select id
    from ordinaut.job
    where id >= ordinaut.uuid_v7_floor(statement_timestamp() - interval '5 minutes') and queue = $1::text
    order by id desc
    limit 10000
) recent
join ordinaut.run on run.job_id = any(array[recent.id])
where run.outcome in ('succeeded', 'failed', 'dead', 'lost')
