-- The worker that is named $1, or whose session has that number, may lease again; the names that it
-- has.
delete from ordinaut.drained_worker
where name = $1::text or name in (select worker.name from ordinaut.worker where session::text = $1::text)
returning name
