-- The newest parameters of the jobs $1, of those that have any.
select asked.job_id, newest.n, newest.value
from unnest($1::uuid[]) as asked(job_id)
cross join lateral (
    select n, value::text as value
    from ordinaut.attachment
    where attachment.job_id = asked.job_id
    order by n desc
    limit 1
) newest
