-- Limits of whose concurrency running jobs take at least $1 percent, under the key with most: up to
-- $2, the fullest first. A row of limit_slot that a crash left behind takes nothing.
with held as (
    select limit_slot.name, limit_slot.key, sum(limit_slot.weight) as weight
    from ordinaut.limit_slot
    cross join lateral (
        select from ordinaut.due_work where due_work.job_id = limit_slot.job_id and due_work.session is not null offset 0
    ) as leased
    group by limit_slot.name, limit_slot.key
)
select job_limit.name as subject, max(100.0 * held.weight / job_limit.concurrency)::float8 as value, '' as detail
from ordinaut.job_limit
join held on held.name = job_limit.name
where job_limit.concurrency > 0 and not job_limit.per_process and job_limit.queue is distinct from ''
group by job_limit.name
having max(100.0 * held.weight / job_limit.concurrency) >= $1::float8
order by max(100.0 * held.weight / job_limit.concurrency) desc, job_limit.name
limit $2::bigint
