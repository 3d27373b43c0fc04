-- Count up to $2 events after the number $1 into the minutes and hours in which they happened, and
-- answer the number of the last one. Times are counted by the bounds $3. Of an event that names
-- more than $4 jobs, this number stand for all: looking each of 500 up would cost more than its
-- end did. "= any(array[…])" and "offset 0" keep that a look-up by key.
with seen as materialized (
    select n, at, type, queue, kind, job_ids, attempts
    from ordinaut.event
    where n > $1::bigint
    order by n
    limit $2::bigint
), counted as (
    select step, date_trunc(step, at, 'UTC') as begins, queue, kind,
           coalesce(sum(jobs) filter (where type = 'enqueued'), 0) as arrived,
           coalesce(sum(jobs) filter (where type not in ('enqueued', 'requeued')), 0) as ended,
           coalesce(sum(case when type in ('enqueued', 'requeued') then jobs when type in ('succeeded', 'cancelled', 'dead') then -jobs end), 0) as growth,
           coalesce(sum(jobs) filter (where type = 'succeeded'), 0) as succeeded,
           coalesce(sum(jobs) filter (where type in ('failed', 'dead', 'lost')), 0) as failed
    from (select *, cardinality(job_ids) as jobs from seen) as measured
    cross join unnest(array['minute', 'hour']) as step
    where type in ('enqueued', 'requeued', 'succeeded', 'failed', 'snoozed', 'cancelled', 'dead', 'lost', 'released')
    group by step, begins, queue, kind
), timed as (
    select at, queue, kind, greatest(cardinality(job_ids) / $4::float8, 1) as stands_for,
           width_bucket(greatest(extract(epoch from started_at - due), 0)::float8, $3::float8[]) as wait,
           width_bucket(greatest(extract(epoch from finished_at - started_at), 0)::float8, $3::float8[]) as run
    from seen
    cross join lateral (select * from unnest(job_ids, attempts) as named(job_id, attempt) limit $4::integer) as sample
    join lateral (select started_at, finished_at from ordinaut.run
                  where run.job_id = any(array[sample.job_id]) and run.attempt = sample.attempt offset 0) as run on true
    left join lateral (
        select coalesce(scheduled_for, created_at) as due from ordinaut.job
        where job.id = any(array[sample.job_id]) and sample.attempt = 1 offset 0
    ) as job on true
    where type in ('succeeded', 'failed', 'snoozed', 'cancelled', 'dead', 'lost', 'released')
), spread as (
    select step, date_trunc(step, at, 'UTC') as begins, queue, kind, place, sum(waits) as waits, sum(runs) as runs
    from timed
    cross join unnest(array['minute', 'hour']) as step
    cross join lateral (values (wait, stands_for, 0), (run, 0, stands_for)) as each_of(place, waits, runs)
    where place is not null
    group by step, 2, queue, kind, place
), histogram as (
    select step, begins, queue, kind, array_agg(round(coalesce(waits, 0))::integer order by place) as wait,
           array_agg(round(coalesce(runs, 0))::integer order by place) as run
    from (select distinct step, begins, queue, kind from spread) as line cross join generate_series(1, cardinality($3::float8[])) as place
    left join spread using (step, begins, queue, kind, place)
    group by step, begins, queue, kind
), recorded as (
    insert into ordinaut.stat as kept (step, begins, queue, kind, arrived, ended, growth, succeeded, failed, wait, run)
    select step, begins, queue, kind, arrived, ended, growth, succeeded, failed, coalesce(wait, '{}'), coalesce(run, '{}')
    from counted
    left join histogram using (step, begins, queue, kind)
    on conflict (step, begins, queue, kind) do update
    set arrived = kept.arrived + excluded.arrived, ended = kept.ended + excluded.ended, growth = kept.growth + excluded.growth,
        succeeded = kept.succeeded + excluded.succeeded, failed = kept.failed + excluded.failed,
        wait = array(select coalesce(old, 0) + coalesce(new, 0)
                     from unnest(kept.wait, excluded.wait) with ordinality as pair(old, new, place) order by place),
        run = array(select coalesce(old, 0) + coalesce(new, 0)
                    from unnest(kept.run, excluded.run) with ordinality as pair(old, new, place) order by place)
)
select max(n) from seen
