-- The task that should have fired longest ago, if that is at least $1 seconds. None while all
-- queues ('*') are paused.
select '*' as subject, seconds as value, 'task ' || title as detail
from (
    select title, extract(epoch from clock_timestamp() - next_run_at)::float8 as seconds
    from ordinaut.task
    where next_run_at is not null
      and not exists (select from ordinaut.queue where name = '*' and paused_at is not null)
    order by next_run_at
    limit 1
) as first
where seconds >= $1::float8
