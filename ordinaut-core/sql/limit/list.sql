-- A page of limits, by name: up to $1 of them and $2 octets, but one at least, after the limit $3;
-- with the room that running jobs take of each, and how many jobs wait in its lines. "walked" is
-- more than there are rows, if there is a next page. Those that tasks imply (queue '') are left
-- out: tasks show them.
with line as materialized (
    select coalesce(max(line), key)::jsonb -> 'limits' as limits, count(*) as jobs
    from ordinaut.parked
    where reason = 'limit'
    group by key
), listed as (
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
    where ($3::text is null or name > $3::text) and queue is distinct from ''
    order by name
    limit $1::bigint + 1
), placed as (
    select listed.*, row_number() over by_name as place, sum(octet_length(listed::text)) over by_name as octets
    from listed
    window by_name as (order by name)
)
select placed.*, (select count(*) from placed) as walked
from placed
where place <= $1::bigint and (octets <= $2::bigint or place = 1)
order by place
