-- Drain the worker that is named $1, or whose living session has that number; the names that it
-- has.
insert into ordinaut.drained_worker (name)
select distinct name
from ordinaut.worker
where ended_at is null and (name = $1::text or session::text = $1::text)
on conflict (name) do update set name = excluded.name
returning name
