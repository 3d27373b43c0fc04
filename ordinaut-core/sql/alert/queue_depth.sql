-- Queues in which at least $1 jobs wait: up to $2, the deepest first. Of each priority up to $3 are
-- counted. Each queue is found by a step of its own, however much is in the last.
with recursive named as (
    (select queue from ordinaut.due_work order by queue limit 1)
    union all
    select (select queue from ordinaut.due_work where due_work.queue > named.queue order by queue limit 1)
    from named
    where named.queue is not null
)
select named.queue as subject, sum(line.jobs)::float8 as value, '' as detail
from named
cross join generate_series(1, 9) as level
cross join lateral (
    select count(*) as jobs
    from (
        select
        from ordinaut.due_work
        where due_work.queue = named.queue and priority = level::smallint and session is null
          and run_at <= statement_timestamp()
        limit $3::bigint
    ) as waiting
) as line
where named.queue is not null
group by named.queue
having sum(line.jobs) >= $1::float8
order by sum(line.jobs) desc, named.queue
limit $2::bigint
