-- What waits for an approval, of up to $1 jobs behind the job $2 in the order of their ids; of the
-- tenant $3 and the queues $4, where these are given.
with asked as materialized (
    select distinct wait.job_id
    from ordinaut.wait
    join ordinaut.job on job.id = any(array[wait.job_id])
    where wait.kind = 'approval' and answered_at is null and (until is null or until > clock_timestamp())
      and ($2::uuid is null or wait.job_id > $2::uuid)
      and ($3::text is null or job.tenant = $3::text)
      and ($4::text[] is null or job.queue = any($4::text[]))
    order by wait.job_id
    limit $1::bigint
)
select wait.job_id, name, kind, topic, key, question, fallback, awaited_job, began_at, until, answered_at
from asked
join ordinaut.wait using (job_id)
where kind = 'approval' and answered_at is null and (until is null or until > clock_timestamp())
order by wait.job_id, began_at, name
