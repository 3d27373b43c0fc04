-- Count the jobs that took longer than the SLA of their kind, from when they were made or scheduled
-- for to their end, of the events after the number $1 up to $2: in the minute and the hour of their
-- end, and with the policy. They are told as an event. The answer has each kind with jobs that took
-- longer than 80 % of its SLA. stat/record.sql has made the rows of stat in this transaction.
-- "= any(array[…])" and "offset 0" keep look-ups by key.
with bounded as materialized (
    select kind, sla from ordinaut.kind_policy where sla is not null
), ended as materialized (
    select event.at, event.queue, event.kind, named.job_id, named.attempt, bounded.sla,
           extract(epoch from run.finished_at - job.due)::float8 as took
    from ordinaut.event
    join bounded on bounded.kind = event.kind
    cross join lateral unnest(event.job_ids, event.attempts) as named(job_id, attempt)
    join lateral (
        select finished_at from ordinaut.run
        where run.job_id = any(array[named.job_id]) and run.attempt = named.attempt offset 0
    ) as run on true
    join lateral (
        select coalesce(scheduled_for, created_at) as due from ordinaut.job
        where job.id = any(array[named.job_id]) offset 0
    ) as job on true
    where exists (select from bounded) and n > $1::bigint and n <= $2::bigint and type in ('succeeded', 'dead')
), late as (
    select * from ended where took > sla
), minutes as (
    update ordinaut.stat
    set late = stat.late + counted.jobs
    from (
        select step, date_trunc(step, at, 'UTC') as begins, queue, kind, count(*) as jobs
        from late
        cross join unnest(array['minute', 'hour']) as step
        group by 1, 2, 3, 4
    ) as counted
    where stat.step = counted.step and stat.begins = counted.begins and stat.queue = counted.queue and stat.kind = counted.kind
), totals as (
    update ordinaut.kind_policy
    set late = kind_policy.late + counted.jobs
    from (select kind, count(*) as jobs from late group by kind) as counted
    where kind_policy.kind = counted.kind
), outbox_rows as (
    insert into ordinaut.outbox (type, queue, kind, job_ids, attempts)
    select 'sla_breached', queue, kind, array_agg(job_id), array_agg(attempt)
    from late
    group by queue, kind
)
select kind, sla, count(*) filter (where took > sla) as late, count(*) as near, max(took) as longest,
       (array_agg(job_id order by took desc))[1] as slowest
from ended
where took > 0.8 * sla
group by kind, sla
