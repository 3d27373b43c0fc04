-- As stats.sql, for who sees the tenant $6 alone: only its jobs count, and only queues that have
-- some are there. What is said of a queue concerns the tenant too; by whom and why does not, and
-- neither does what others have waiting.
with work as (
    select due_work.queue, due_work.run_at, due_work.session, 'work' as place
    from ordinaut.due_work
    join ordinaut.job on job.id = due_work.job_id
    where job.tenant = $6::text
    union all
    select parked.queue, parked.run_at, null, 'parked'
    from ordinaut.parked
    join ordinaut.job on job.id = parked.job_id
    where job.tenant = $6::text
    union all
    select queue, null, null, 'dead' from ordinaut.dead_letter where tenant = $6::text
), listed as (
    select queue as name,
           count(*) filter (where place = 'work' and session is null and run_at > now()) as scheduled,
           count(*) filter (where place = 'work' and session is null and run_at <= now()) as waiting,
           count(*) filter (where session is not null) as running, count(*) filter (where place = 'parked') as parked,
           count(*) filter (where place = 'dead') as dead,
           (select count(*) from ordinaut.worker
            where work.queue = any(queues) and ended_at is null and expires_at > clock_timestamp()) as workers,
           coalesce(extract(epoch from now() - min(run_at) filter (where place = 'work' and session is null and run_at <= now())),
                    0)::float8 as oldest_wait,
           0::float8 as lag, 0::bigint as stranded, '{}'::text[] as stranded_kinds,
           (select least(min(paused_at), '9999-01-01') from ordinaut.queue
            where queue.name in (work.queue, '*') and paused_at is not null) as paused_at,
           null::text as paused_by, null::text as paused_reason, null::integer as max_waiting, 'normal' as level,
           null::float8 as max_age, null::float8 as retention
    from work
    where case when $1::text is null then queue > $2::text else queue = $1::text end
      and ($5::text[] is null or queue = any($5::text[]))
    group by queue
    order by queue limit $3::bigint + 1
), placed as (
    select listed.*, row_number() over by_name as place, sum(octet_length(listed::text)) over by_name as octets
    from listed window by_name as (order by name)
)
select placed.*, (select count(*) from placed) as walked
from placed
where place <= $3::bigint and (octets <= $4::bigint or place = 1)
order by place
