-- Sessions that live, and those that ended within the hour. Of one that is drained, what it holds is counted: what it said
-- at its last renewal may be from before.
select session, name, host, pid, version, queues, kinds, concurrency,
       case when ended_at is null and exists (select from ordinaut.drained_worker where drained_worker.name = worker.name)
           then (select count(*)::integer from ordinaut.due_work where due_work.session = worker.session)
           else running end as running, started_at, renewed_at, expires_at, ended_at,
       ended_at is null and expires_at > clock_timestamp() as alive,
       exists (select from ordinaut.drained_worker where drained_worker.name = worker.name) as drained
from ordinaut.worker
order by ended_at is not null, started_at desc
