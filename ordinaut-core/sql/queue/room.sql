-- Number of jobs that may wait in the queue $1, number that do, counted up to that, and the level
-- that was last told. No row: there is no bound.
select max_waiting, (
    select count(*)
    from (
        (select from ordinaut.due_work where queue = bounded.name and session is null limit bounded.max_waiting)
        union all
        (select from ordinaut.parked where queue = bounded.name limit bounded.max_waiting)
        limit bounded.max_waiting
    ) waiting
), announced_level
from ordinaut.queue bounded
where name = $1::text and max_waiting is not null
