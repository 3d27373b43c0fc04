-- Calls ($2) of targets ($1) have ended: each lets the most urgent job go that waits for its
-- target, if a host of that is called. So a target whose calls are limited has as many jobs at work
-- as it takes, and the others wait aside. Rows that others hold are passed by.
with ended as (
    delete from ordinaut.target_turn
    using unnest($1::text[], $2::uuid[]) as given_back(target, call)
    where target_turn.target = given_back.target and target_turn.call = given_back.call
    returning target_turn.target
), room as materialized (
    select ended.target, count(*) as jobs
    from ended
    where exists (
        select from ordinaut.target_host
        where target_host.target = ended.target and state = 'closed' and drained_at is null)
    group by ended.target
), next as materialized (
    select waiting.job_id
    from room
    cross join lateral (
        select job_id
        from ordinaut.parked
        where reason = 'target' and key = room.target
        order by key, priority, run_at, job_id
        limit room.jobs
        for update skip locked
    ) waiting
), unparked as (
    delete from ordinaut.parked
    where job_id = any(array(select job_id from next)) and coalesce(reason, '') = 'target'
    returning parked.*
), {{unparked}}
select distinct queue from unparked
