-- What there is of the queue $1, each counted up to 10,000: jobs that are due ("waiting"), the time
-- for which the oldest has been ("oldest"), their kinds that no living worker of the queue has, and
-- those of which no living worker runs a part ("unversioned"); jobs that are set aside, those of
-- them that wait under limits, for a worker which has what they ask for, or for a target that takes
-- no calls, and one of each; its living workers with their slots; what came and ended in the last
-- five whole minutes, as far as that was counted; deaths within the hour; and the age of the oldest
-- change that no event tells of yet.
with due as materialized (
    select due_work.kind, due_work.run_at
    from generate_series(1, 9) as level(priority)
    cross join lateral (
        select kind, run_at
        from ordinaut.due_work
        where queue = $1::text and due_work.priority = level.priority::smallint and run_at <= statement_timestamp()
          and session is null
        order by run_at
        limit 10000
    ) due_work
    limit 10000
), aside as materialized (
    select job_id, reason from ordinaut.parked where queue = $1::text order by run_at limit 10000
), hands as materialized (
    select running, concurrency, kinds, labels,
           exists (select from ordinaut.drained_worker where drained_worker.name = worker.name) as drained
    from ordinaut.worker
    where ended_at is null and expires_at > clock_timestamp() and $1::text = any(queues)
), counted as (
    select coalesce(sum(arrived), 0)::bigint as arrived, coalesce(sum(ended), 0)::bigint as ended,
           coalesce(sum(failed), 0)::bigint as failed
    from ordinaut.stat
    where step = 'minute' and begins >= date_trunc('minute', statement_timestamp(), 'UTC') - interval '5 minutes'
      and begins < date_trunc('minute', statement_timestamp(), 'UTC') and queue = $1::text
)
select (select count(*) from due) as waiting,
       (select extract(epoch from statement_timestamp() - min(run_at))::float8 from due) as oldest,
       array(
           select distinct kind from due
           where not exists (select from hands where due.kind = any(hands.kinds)) order by kind limit 10
       ) as unknown_kinds,
       (select count(*) from aside) as parked, (select count(*) from aside where reason = 'limit') as limited,
       (select job_id from aside where reason = 'limit' limit 1) as limited_job,
       (select count(*) from aside where reason = 'placed') as placed,
       (select job_id from aside where reason = 'placed' limit 1) as placed_job, calls.*,
       array(
           select kind from ordinaut.rollout
           where kind in (select kind from due) and (
               percent > 0 and not exists (select from hands where rollout.kind = any(kinds) and 'version=' || version = any(labels))
               or percent < 100 and not exists (select from hands where rollout.kind = any(kinds) and 'version=' || version <> all(labels)))
           order by kind limit 10
       ) as unversioned,
       (select count(*) from ordinaut.worker where ended_at is null and expires_at > clock_timestamp()) as workers,
       (select count(*) from hands) as serving,
       (select count(*) from hands where drained) as drained,
       (select coalesce(sum(running), 0)::bigint from hands where not drained) as running,
       (select coalesce(sum(concurrency), 0)::bigint from hands where not drained) as slots,
       counted.arrived, counted.ended, counted.failed,
       (select count(*)
        from (select queue from ordinaut.dead_letter
              where died_at > statement_timestamp() - interval '1 hour' order by died_at desc limit 10000) died
        where died.queue = $1::text) as dead,
       (select extract(epoch from clock_timestamp() - at)::float8 from ordinaut.outbox order by id limit 1) as unrelayed,
       known.max_waiting, coalesce(known.announced_level, 'normal') as level
from counted
cross join (select count(*) as unavailable, min(job_id::text)::uuid as unavailable_job from aside where reason = 'target') calls
left join ordinaut.queue known on known.name = $1::text
