-- A page of the runs of the task $1, those of its newest job first: up to $2 and $5 octets, but one
-- at least, after the one of the job $3 that has the attempt $4. One row more than is shown tells
-- of a next page.
with page as materialized (
    select job.id as job_id, job.scheduled_for, run.attempt, run.started_at, run.finished_at, run.outcome,
           left(run.error, 65536) as error
    from ordinaut.job
    join ordinaut.run on run.job_id = any(array[job.id])
    where job.task_id = $1::uuid
      and ($3::uuid is null or (job.id <= $3::uuid and (job.id, run.attempt) < ($3::uuid, $4::integer)))
    order by job.id desc, run.attempt desc
    limit $2::bigint + 1
), measured as (
    select *, row_number() over walk as place, sum(coalesce(octet_length(error), 0)) over walk as octets
    from page
    window walk as (order by job_id desc, attempt desc rows unbounded preceding)
)
select job_id, scheduled_for, attempt, started_at, finished_at, outcome, error, (select count(*) from page) as walked
from measured
where place <= $2::bigint and (octets <= $5::bigint or place = 1)
order by place
