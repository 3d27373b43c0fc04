-- Those of the jobs $1 that there are and that the caller sees (tenant $2, queues $3, as far as
-- these are named), as parents of jobs that this transaction is about to insert. Those that it has
-- inserted itself are followed from now on ("own"): nobody else can hold their rows. The fold
-- follows the others after the commit, so that no transaction that stays open holds a job.
with asked as materialized (
    select distinct id from unnest($1::uuid[]) as id
), own_due as (
    update ordinaut.due_work
    set flags = flags | ordinaut.flag_followed()
    where job_id = any($1::uuid[]) and ordinaut.of_this_transaction(xmin)
    returning job_id
), own_parked as (
    update ordinaut.parked
    set flags = flags | ordinaut.flag_followed()
    where job_id = any($1::uuid[]) and ordinaut.of_this_transaction(xmin)
    returning job_id
)
select asked.id, asked.id in (select job_id from own_due union all select job_id from own_parked) as own
from asked
cross join lateral (
    (select tenant, queue from ordinaut.job where job.id = asked.id)
    union all
    (select tenant, queue from ordinaut.dead_letter
     where job_id = asked.id and not exists (select from ordinaut.job where job.id = asked.id))
) found
where ($2::text is null or tenant = $2::text) and ($3::text[] is null or queue = any($3::text[]))
