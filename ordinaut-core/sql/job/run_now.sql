-- Make the jobs $1 due at once, those that wait for a later time. They move forward to the present,
-- never behind a worker's floor. One that waits for a target goes to it now, and waits again if
-- that takes no calls. "offset 0" keeps each look one by key; the answers are grouped for the
-- reason that change.sql says.
with moved as (
    update ordinaut.due_work
    set run_at = clock_timestamp()
    from unnest($1::uuid[]) as asked(id)
    where job_id = any(array[asked.id]) and session is null and run_at > clock_timestamp()
    returning job_id, attempt, queue, kind
), unparked as (
    delete from ordinaut.parked
    where job_id = any($1::uuid[]) and coalesce(reason, '') = 'target'
    returning parked.*
), work as (
    insert into ordinaut.due_work (run_at, job_id, priority, attempt, failures, flags, queue, kind)
    select clock_timestamp(), job_id, priority, attempt, failures, flags, queue, kind from unparked
    returning job_id, attempt, queue, kind
), now_due as (
    select * from moved union all select * from work
), outbox_rows as (
    insert into ordinaut.outbox (type, queue, kind, job_ids, attempts)
    select 'run_now', queue, kind, array_agg(job_id), array_agg(attempt)
    from now_due
    group by queue, kind
)
select asked.id, case
    when is_due then 'now'
    when exists (select from ordinaut.due_work where job_id = asked.id offset 0) then 'already_due'
    when exists (select from ordinaut.parked where job_id = asked.id offset 0) then 'parked'
    when exists (select from ordinaut.job where id = asked.id offset 0)
      or exists (select from ordinaut.dead_letter where job_id = asked.id offset 0) then 'too_late'
    else 'unknown'
end as answer
from (
    select id, bool_or(is_due) as is_due
    from (
        select asked.id, false as is_due from unnest($1::uuid[]) as asked(id)
        union all
        select job_id, true from now_due
    ) told
    group by id
) asked
