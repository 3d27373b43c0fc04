-- Up to $1 jobs, newest first, older than the job $2, of a state ($3), kind ($4) and queue ($5) if one is named.
select job.id, job.kind, job.queue, job.priority, job.tags, job.created_at, state.state, state.attempt, state.run_at
from ordinaut.job
cross join lateral (select * from ordinaut.job_state where job_state.job_id = job.id offset 0) state
where ($2::uuid is null or job.id < $2::uuid)
  and ($3::text is null or state.state = $3::text)
  and ($4::text is null or job.kind = $4::text)
  and ($5::text is null or job.queue = $5::text)
order by job.id desc
limit $1::bigint
