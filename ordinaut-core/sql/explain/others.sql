-- Where the jobs $1 are that another one waits for.
select job_id as id, kind, queue, state, least(run_at, '9999-01-01') as run_at
from ordinaut.job_state
where job_id = any($1::uuid[])
order by job_id
