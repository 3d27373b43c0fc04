-- Of each queue with a bound, and of each whose level is not normal: its level, how many jobs may
-- wait (null: any number), and how many do, counted up to that as room.sql does.
select name, announced_level, max_waiting, (
    select count(*)
    from (
        (select from ordinaut.due_work where queue = bounded.name and session is null limit bounded.max_waiting)
        union all
        (select from ordinaut.parked where queue = bounded.name limit bounded.max_waiting)
        limit bounded.max_waiting
    ) waiting
    where bounded.max_waiting is not null
) as waiting
from ordinaut.queue bounded
where max_waiting is not null or announced_level <> 'normal'
order by name
