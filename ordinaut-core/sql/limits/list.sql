-- All limits, with the room that running jobs take of each, and how many jobs wait in its lines.
with line as materialized (
    select coalesce(max(line), key)::jsonb -> 'limits' as limits, count(*) as jobs
    from ordinaut.parked
    where reason = 'limit'
    group by key
)
select name, queue, kind, array_to_string(key, '.') as key, per_tenant, array_to_string(weight, '.') as weight, concurrency,
       rate, burst, per_process, ordered,
       (select coalesce(sum(limit_slot.weight), 0)
        from ordinaut.limit_slot
        join ordinaut.due_work on due_work.job_id = limit_slot.job_id and due_work.session is not null
        where limit_slot.name = job_limit.name)::bigint as held,
       (select coalesce(sum(line.jobs), 0)
        from line
        where exists (select from jsonb_array_elements(line.limits) as member where member ->> 0 = job_limit.name)
       )::bigint as waiting
from ordinaut.job_limit
order by name
