-- Sessions that live, and those that ended within the hour.
select session, name, host, pid, version, queues, kinds, concurrency, running, started_at, renewed_at, expires_at,
       ended_at, ended_at is null and expires_at > clock_timestamp() as alive,
       exists (select from ordinaut.drained_worker where drained_worker.name = worker.name) as drained
from ordinaut.worker
order by ended_at is not null, started_at desc
