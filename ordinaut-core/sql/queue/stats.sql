-- A page of the queues that have work or that somebody has served, by name: up to $3 of them and $4
-- octets, but one at least, after the queue $2; or only the queue $1. With what waits there, who
-- serves it, and what operators say about it. What no worker would take (see stopped()) is no lag;
-- what waits for a worker with labels counts in "lag" and "stranded". The queue '*' stands for all:
-- paused, it pauses each, and is listed as long as it does. Only those of $5 that the caller sees.
-- "walked" is more than there are rows, if there is a next page.
with by_kind as (
    select queue, kind,
           count(*) filter (where session is null and run_at > now()) as scheduled,
           count(*) filter (where session is null and run_at <= now()) as waiting,
           count(*) filter (where session is not null) as running,
           min(run_at) filter (where session is null and run_at <= now()) as oldest
    from (select * from ordinaut.due_work where $1::text is null and queue > $2::text
          union all select * from ordinaut.due_work where queue = $1::text) work
    group by queue, kind
), judged as (
    select *, waiting as due, case when waiting > 0 then ordinaut.stopped(queue, kind) end as stopped from by_kind
    union all
    select queue, kind, 0, 0, 0, oldest, jobs, stopped from ordinaut.placed_lines()
    where case when $1::text is null then queue > $2::text else queue = $1::text end
), counted as (
    select queue, sum(scheduled)::bigint as scheduled, sum(waiting)::bigint as waiting, sum(running)::bigint as running,
           extract(epoch from now() - min(oldest))::float8 as oldest_wait,
           extract(epoch from now() - min(oldest) filter (where stopped is null))::float8 as lag,
           (sum(due) filter (where stopped <> 'queue_paused'))::bigint as stranded,
           (array_agg(distinct kind order by kind) filter (where stopped <> 'queue_paused'))[1:10] as stranded_kinds
    from judged
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
), listed as (
    select known.name, coalesce(scheduled, 0) as scheduled, coalesce(waiting, 0) as waiting,
           coalesce(running, 0) as running, coalesce(parked, 0) as parked, coalesce(dead, 0) as dead, coalesce(workers, 0) as workers,
           coalesce(oldest_wait, 0) as oldest_wait, coalesce(lag, 0) as lag, coalesce(stranded, 0) as stranded,
           coalesce(stranded_kinds, '{}') as stranded_kinds,
           case when coalesce(settings.paused_at, every.paused_at) is not null
                then least(coalesce(settings.paused_at, every.paused_at), '9999-01-01') end as paused_at,
           case when settings.paused_at is null then every.paused_by else settings.paused_by end as paused_by,
           case when settings.paused_at is null then every.paused_reason else settings.paused_reason end as paused_reason,
           max_waiting, coalesce(announced_level, 'normal') as level,
           extract(epoch from max_age)::float8 as max_age, extract(epoch from retention)::float8 as retention
    from (select name from ordinaut.queue union select queue from counted union select queue from held union select queue from buried) known(name)
    left join ordinaut.queue settings using (name)
    left join (select paused_at, paused_by, paused_reason from ordinaut.queue where name = '*') every on true
    left join counted on counted.queue = known.name left join held on held.queue = known.name
    left join buried on buried.queue = known.name
    left join served using (name)
    where ($5::text[] is null or known.name = any($5::text[])) and ($1::text = known.name or ($1::text is null and known.name > $2::text and (known.name <> '*' or every.paused_at is not null)))
    order by known.name limit $3::bigint + 1
), placed as (
    select listed.*, row_number() over by_name as place, sum(octet_length(listed::text)) over by_name as octets
    from listed window by_name as (order by name)
)
select placed.*, (select count(*) from placed) as walked
from placed
where place <= $3::bigint and (octets <= $4::bigint or place = 1)
order by place
