-- The next jobs that wait and that a filter names: $1 queue, $2 kind, $3 tag, $4 task, $5 tenant,
-- enqueued before $6, out of the $8 jobs after the job $7, enqueued at $9 or later, with arguments
-- that contain $10. See job/cancel_some.sql for the order.
with looked as materialized (
    (select job_id from ordinaut.due_work
     where job_id > $7::uuid and (queue = $1::text) is not false and (kind = $2::text) is not false
     order by job_id limit $8::bigint)
    union all
    (select job_id from ordinaut.parked
     where job_id > $7::uuid and (queue = $1::text) is not false and (kind = $2::text) is not false
     order by job_id limit $8::bigint)
    order by job_id limit $8::bigint
)
select (select count(*) from looked) as looked, (select job_id from looked order by job_id desc limit 1) as last,
       array(select looked.job_id
             from looked join ordinaut.job on job.id = any(array[looked.job_id])
             where ($3::text is null or $3::text = any(job.tags)) and ($4::uuid is null or job.task_id = $4::uuid)
               and ($5::text is null or job.tenant = $5::text) and job.created_at < $6::timestamptz
               and (job.created_at >= $9::timestamptz) is not false and (job.args @> $10::jsonb) is not false
             order by looked.job_id) as jobs
