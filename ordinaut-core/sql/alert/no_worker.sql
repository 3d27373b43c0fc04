-- Queues with at least $1 due jobs that no living worker takes: up to $2, those with most first. Of
-- each priority the oldest 200 are looked at: workers take the others from around them, so that
-- those which nobody takes are soon the oldest.
with recursive named as (
    (select queue from ordinaut.due_work order by queue limit 1)
    union all
    select (select queue from ordinaut.due_work where due_work.queue > named.queue order by queue limit 1)
    from named
    where named.queue is not null
), line as materialized (
    select named.queue, old.kind, count(*) as jobs
    from named
    cross join generate_series(1, 9) as level
    cross join lateral (
        select kind
        from ordinaut.due_work
        where due_work.queue = named.queue and priority = level::smallint and session is null
          and run_at <= statement_timestamp()
        order by run_at
        limit 200
    ) as old
    group by named.queue, old.kind
), stranded as (
    select queue, kind, jobs, ordinaut.stopped(queue, kind) as why from line
    union all
    select queue, kind, jobs, stopped from ordinaut.placed_lines()
)
select queue as subject, sum(jobs)::float8 as value,
       string_agg(distinct case why when 'queue_unserved' then 'no worker serves the queue'
                                    when 'kind_unknown' then 'no worker of it knows the kind ' || kind
                                    else 'no worker has the labels that jobs of the kind ' || kind || ' require' end, '; ') as detail
from stranded
where why <> 'queue_paused'
group by queue
having sum(jobs) >= $1::float8
order by sum(jobs) desc, queue
limit $2::bigint
