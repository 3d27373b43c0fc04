-- Every queue that has work or that somebody has served, or only the queue $1: with what waits there, who serves it, and
-- what operators say about it. The queue '*' stands for all: paused, it pauses each, and is listed as long as it does.
with counted as (
    select queue,
           count(*) filter (where session is null and run_at > now()) as scheduled,
           count(*) filter (where session is null and run_at <= now()) as waiting,
           count(*) filter (where session is not null) as running,
           extract(epoch from now() - min(run_at) filter (where session is null and run_at <= now()))::float8
               as oldest_wait
    from ordinaut.due_work
    where $1::text is null or queue = $1::text
    group by queue
), held as (
    select queue, count(*) as parked from ordinaut.parked group by queue
), buried as (
    select queue, count(*) as dead from ordinaut.dead_letter group by queue
), served as (
    select served_queue as name, count(*) as workers
    from ordinaut.worker, unnest(queues) as served_queue
    where ended_at is null and expires_at > clock_timestamp()
    group by served_queue
)
select known.name, coalesce(scheduled, 0) as scheduled, coalesce(waiting, 0) as waiting,
       coalesce(running, 0) as running, coalesce(parked, 0) as parked, coalesce(dead, 0) as dead, coalesce(workers, 0) as workers,
       coalesce(oldest_wait, 0) as oldest_wait,
       case when settings.paused_at is null then every.paused_at else settings.paused_at end as paused_at,
       case when settings.paused_at is null then every.paused_by else settings.paused_by end as paused_by,
       case when settings.paused_at is null then every.paused_reason else settings.paused_reason end as paused_reason,
       max_waiting, coalesce(told_level, 'normal') as level,
       extract(epoch from max_age)::float8 as max_age, extract(epoch from retention)::float8 as retention
from (select name from ordinaut.queue union select queue from counted union select queue from held union select queue from buried) known(name)
left join ordinaut.queue settings using (name)
left join (select paused_at, paused_by, paused_reason from ordinaut.queue where name = '*') every on true
left join counted on counted.queue = known.name
left join held on held.queue = known.name
left join buried on buried.queue = known.name
left join served using (name)
where $1::text = known.name or ($1::text is null and (known.name <> '*' or every.paused_at is not null))
order by known.name
