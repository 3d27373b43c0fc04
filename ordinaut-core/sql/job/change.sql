-- Change the jobs $1 that wait: $2 queue, $3 priority, $4 not before, $5 arguments, $6 tags; null
-- leaves what there is. $7: also the maximum of attempts, to $8. Of a job that limits hold, the
-- line may be another one now, and so may the target of one that waits for that: it waits anew, and
-- a scheduler or worker sets it aside again.
--
-- A row of due_work is replaced by one at the present or later, because nothing becomes free in
-- place. skip locked: what a claim or another change holds at this moment is "busy", and the caller
-- asks again. "offset 0" keeps each look one by key, and so does the reason that is compared as an
-- expression. The answers are grouped, because a join of what was asked with what was changed would
-- be a loop in a loop: no other joins are allowed here.
with waiting as (
    delete from ordinaut.due_work
    where ctid = any(array(select due_work.ctid from unnest($1::uuid[]) as asked(id)
                           join ordinaut.due_work on due_work.job_id = any(array[asked.id])
                           where session is null for update of due_work skip locked))
    returning run_at, job_id, priority, attempt, failures, flags, queue, kind
), unparked as (
    delete from ordinaut.parked
    where ctid = any(array(select parked.ctid from unnest($1::uuid[]) as asked(id)
                           join ordinaut.parked on parked.job_id = any(array[asked.id])
                           where coalesce(parked.reason, '') in ('limit', 'target') for update of parked skip locked))
    returning run_at, job_id, priority, attempt, failures, flags, queue, kind
), held as (
    update ordinaut.parked
    set queue = coalesce($2::text, queue), priority = coalesce($3::smallint, priority),
        run_at = coalesce($4::timestamptz, run_at)
    where reason not in ('limit', 'target') and job_id = any($1::uuid[])
    returning job_id, attempt, queue, kind
), work as (
    insert into ordinaut.due_work (run_at, job_id, priority, attempt, failures, flags, queue, kind)
    select greatest(coalesce($4::timestamptz, run_at), clock_timestamp()), job_id, coalesce($3::smallint, priority),
           attempt, failures, flags, coalesce($2::text, queue), kind
    from (table waiting union all table unparked) as moved
    returning job_id, attempt, queue, kind
), changed as materialized (
    select * from work union all select * from held
), job_changed as (
    update ordinaut.job
    set queue = coalesce($2::text, queue), priority = coalesce($3::smallint, priority), args = coalesce($5::text::jsonb, args),
        tags = coalesce($6::text[], tags), max_attempts = case when $7::boolean then $8::smallint else max_attempts end
    where id = any(array(select job_id from changed))
), outbox_rows as (
    insert into ordinaut.outbox (type, queue, kind, job_ids, attempts)
    select 'changed', queue, kind, array_agg(job_id), array_agg(attempt)
    from changed
    group by queue, kind
)
select asked.id, case
    when is_changed then 'changed'
    when exists (select from ordinaut.due_work where job_id = asked.id and session is not null offset 0) then 'running'
    when exists (select from ordinaut.due_work where job_id = asked.id offset 0)
      or exists (select from ordinaut.parked where job_id = asked.id offset 0) then 'busy'
    when exists (select from ordinaut.job where id = asked.id offset 0)
      or exists (select from ordinaut.dead_letter where job_id = asked.id offset 0) then 'too_late'
    else 'unknown'
end as answer, queue
from (
    select id, bool_or(is_changed) as is_changed, max(queue) as queue
    from (
        select asked.id, false as is_changed, null as queue from unnest($1::uuid[]) as asked(id)
        union all
        select job_id, true, queue from changed
    ) told
    group by id
) asked
