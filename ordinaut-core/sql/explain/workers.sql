-- Living workers, those first that could run jobs of the queue $1 and kind $2; twenty at most.
select name, session, $1::text = any(queues) as serves, $2::text = any(kinds) as knows, running, concurrency,
       exists (select from ordinaut.drained_worker where drained_worker.name = worker.name) as drained
from ordinaut.worker
where ended_at is null and expires_at > clock_timestamp()
order by $1::text = any(queues) desc, $2::text = any(kinds) desc, name, session
limit 20
