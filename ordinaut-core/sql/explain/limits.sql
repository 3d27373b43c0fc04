-- What there is of the limits $1 under the keys $2 now: what running jobs take, which those are
-- (the first five), and what is left of the rate. Of one that each process has for itself all of
-- them together are told.
select at.name, at.key, job_limit.ordered, job_limit.per_process, job_limit.rate,
       ordinaut.limit_concurrency(at.name, at.key, job_limit.concurrency) as concurrency,
       ordinaut.limit_held(at.name, at.key, null) as held,
       case when job_limit.rate is not null then least(job_limit.burst, coalesce((
           select tokens + extract(epoch from greatest(statement_timestamp() - filled_at, interval '0'))::float8 * job_limit.rate
           from ordinaut.limit_bucket
           where limit_bucket.name = at.name and limit_bucket.key = at.key and limit_bucket.session = 0
       ), job_limit.burst)) end as tokens,
       array(
           select due_work.job_id
           from (
               select job_id from ordinaut.limit_slot where limit_slot.name = at.name and limit_slot.key = at.key
               union all
               select job_id from ordinaut.task_job where task_id = case when at.name = 'max_instances' then at.key::uuid end
           ) taken
           join ordinaut.due_work on due_work.job_id = taken.job_id and due_work.session is not null
           order by due_work.job_id
           limit 5
       ) as holders
from unnest($1::text[], $2::text[]) with ordinality as at(name, key, place)
join ordinaut.job_limit on job_limit.name = at.name
order by at.place
