-- Move up to $1 outbox rows to event, numbered in one sequence without gaps.
--
-- The lock on event_head makes the relay one at a time: a relay that does not get it moves nothing.
-- It is held until the commit, so numbers are visible in their order.
with head as materialized (
    select n from ordinaut.event_head for update skip locked
), taken as materialized (
    select id from ordinaut.outbox
    where exists (select from head)
    order by id
    limit $1::bigint
    for update
), moved as (
    delete from ordinaut.outbox
    using taken
    where outbox.id = any(array[taken.id])
    returning outbox.*
), numbered as materialized (
    select head.n + row_number() over (order by moved.id) as n, moved.*
    from moved, head
), appended as (
    insert into ordinaut.event (n, at, type, queue, kind, job_ids, attempts, level, subject)
    select n, at, type, queue, kind, job_ids, attempts, level, subject
    from numbered
), advanced as (
    update ordinaut.event_head
    set n = (select max(n) from numbered)
    where exists (select from numbered)
)
select count(*) from numbered
