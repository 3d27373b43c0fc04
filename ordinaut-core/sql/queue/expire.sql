-- End up to $1 jobs (and as many parked ones) that have been due in their queue for longer than it
-- allows. By priority, because that is the order of the key. skip locked: somebody takes or moves
-- that one at this moment. What waits for the ends of others is not due yet.
with expired_work as materialized (
    select waiting.tid
    from ordinaut.queue bounded
    cross join generate_series(1, 9) as level
    cross join lateral (
        select ctid as tid
        from ordinaut.due_work
        where queue = bounded.name and priority = level::smallint and run_at < clock_timestamp() - bounded.max_age
          and session is null
        order by run_at
        limit $1::bigint
        for update skip locked
    ) waiting
    where bounded.max_age is not null
    limit $1::bigint
), expired_parked as materialized (
    select parked.ctid as tid
    from ordinaut.queue bounded
    join ordinaut.parked on parked.queue = bounded.name and parked.run_at < clock_timestamp() - bounded.max_age
    where bounded.max_age is not null and parked.reason not in ('dependency', 'batch')
    limit $1::bigint
    for update of parked skip locked
), deleted_waiting as (
    delete from ordinaut.due_work
    using expired_work
    where due_work.ctid = expired_work.tid
    returning job_id, attempt, flags, due_work.queue, due_work.kind
), deleted_parked as (
    delete from ordinaut.parked
    using expired_parked
    where parked.ctid = expired_parked.tid
    returning job_id, attempt, flags, parked.queue, parked.kind
), deleted_jobs as (
    select removed.*, 'expired: it waited for longer than its queue allows' as reason
    from (table deleted_waiting union all table deleted_parked) as removed
), {{ended_while_waiting}}
select count(*) from deleted_jobs
