-- Seconds until the next task is due that is none of $1; null if none is, or while all queues ('*')
-- are paused.
select extract(epoch from min(next_run_at) - clock_timestamp())::float8
from ordinaut.task
where next_run_at is not null and id <> all($1::uuid[])
  and not exists (select from ordinaut.queue where name = '*' and paused_at is not null)
