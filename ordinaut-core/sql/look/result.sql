-- How the job $1 ended, if it has. Work that somebody deleted by hand ends as cancelled, as job_state says.
select job_state.state, job_state.attempt, run.error, run.output
from ordinaut.job_state
left join ordinaut.run on run.job_id = $1::uuid and run.attempt = job_state.attempt
where job_state.job_id = $1::uuid
union all
select 'dead', attempt, error, null
from ordinaut.dead_letter
where job_id = $1::uuid and not exists (select from ordinaut.job where id = $1::uuid)
