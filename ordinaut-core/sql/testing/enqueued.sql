-- The jobs that have not ended, in the order in which they were made: of the kind $1 and the queue
-- $2, where they are given.
select job.id, job.kind, job.queue, job.args, job.priority, job.tags, state.state, state.run_at
from ordinaut.job
join ordinaut.job_state state on state.job_id = job.id
where ($1::text is null or job.kind = $1) and ($2::text is null or job.queue = $2)
  and state.state in ('scheduled', 'waiting', 'running', 'parked')
order by job.id
