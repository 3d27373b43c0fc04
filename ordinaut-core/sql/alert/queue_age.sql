-- Queues whose oldest job has waited for at least $1 seconds: up to $2, the latest first. Somebody
-- wants those that are paused to wait. By priority, because that is the order of the key.
with recursive named as (
    (select queue from ordinaut.due_work order by queue limit 1)
    union all
    select (select queue from ordinaut.due_work where due_work.queue > named.queue order by queue limit 1)
    from named
    where named.queue is not null
), waited as (
    select named.queue, extract(epoch from clock_timestamp() - min(oldest.run_at))::float8 as seconds
    from named
    cross join generate_series(1, 9) as level
    cross join lateral (
        select run_at
        from ordinaut.due_work
        where due_work.queue = named.queue and priority = level::smallint and session is null
          and run_at <= statement_timestamp()
        order by run_at
        limit 1
    ) as oldest
    where not exists (select from ordinaut.queue where name in (named.queue, '*') and paused_at is not null)
    group by named.queue
)
select queue as subject, seconds as value, '' as detail
from waited
where seconds >= $1::float8
order by seconds desc, queue
limit $2::bigint
