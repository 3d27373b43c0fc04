-- Lock up to $1 leases whose session is not alive: the rule is on the state, so a claim that
-- commits after its session was declared dead is found too.
--
-- skip locked: another scheduler rescues those. The limit of a job that names none is its dead
-- worker's.
select due_work.job_id, due_work.attempt, due_work.session, due_work.nonce, due_work.queue, due_work.failures,
       due_work.flags, coalesce(job.max_attempts, worker.max_attempts) as max_attempts
from ordinaut.due_work
left join ordinaut.worker on worker.session = due_work.session
left join ordinaut.job on job.id = any(array[due_work.job_id])
where due_work.session is not null and (worker.session is null or worker.ended_at is not null)
limit $1::bigint
for update of due_work skip locked
