-- Those of the jobs $1, each at the attempt in $2, that are of the task $3 and the tenant $4, and
-- whose attempt was leased to a worker of this name or session ($5), as far as these are given.
select named.job_id, named.attempt
from unnest($1::uuid[], $2::integer[]) as named(job_id, attempt)
left join lateral (
    select task_id, tenant from ordinaut.job where job.id = any(array[named.job_id]) offset 0
) as job on true
left join lateral (
    select session from ordinaut.run where run.job_id = any(array[named.job_id]) and run.attempt = named.attempt
    union all
    select session from ordinaut.due_work where due_work.job_id = any(array[named.job_id]) and due_work.attempt = named.attempt
    limit 1
) as lease on true
where ($3::uuid is null or job.task_id = $3::uuid) and ($4::text is null or job.tenant = $4::text)
  and ($5::text is null or lease.session::text = $5::text or exists (
      select from ordinaut.worker where worker.session = lease.session and worker.name = $5::text
  ))
