-- End up to $1 jobs (and as many parked ones) that have been due in their queue for longer than it allows. By priority,
-- because that is the order of the key. skip locked: somebody takes or moves that one at this moment.
with old as materialized (
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
), old_parked as materialized (
    select parked.ctid as tid
    from ordinaut.queue bounded
    join ordinaut.parked on parked.queue = bounded.name and parked.run_at < clock_timestamp() - bounded.max_age
    where bounded.max_age is not null
    limit $1::bigint
    for update of parked skip locked
), waited as (
    delete from ordinaut.due_work
    using old
    where due_work.ctid = old.tid
    returning job_id, attempt, flags, due_work.queue, due_work.kind
), set_aside as (
    delete from ordinaut.parked
    using old_parked
    where parked.ctid = old_parked.tid
    returning job_id, attempt, flags, parked.queue, parked.kind
), gone as (
    select removed.*, 'expired: it waited for longer than its queue allows' as reason
    from (table waited union all table set_aside) as removed
), {{ended_while_waiting}}
select count(*) from gone
