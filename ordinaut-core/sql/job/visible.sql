-- Those of the jobs $1 that are of the tenant $2 and of one of the queues $3, as far as these are
-- named. The dead letter answers for a job whose own row has been pruned.
select found.id
from unnest($1::uuid[]) as asked(id)
cross join lateral (
    (select id, tenant, queue from ordinaut.job where job.id = asked.id)
    union all
    (select job_id, tenant, queue from ordinaut.dead_letter
     where job_id = asked.id and not exists (select from ordinaut.job where job.id = asked.id))
) found
where ($2::text is null or tenant = $2::text) and ($3::text[] is null or queue = any($3::text[]))
