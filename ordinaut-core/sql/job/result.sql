-- How the job $1 ended, if it has. Work that somebody deleted by hand ends as cancelled, as
-- job_state says.
select job_state.state, job_state.attempt, left(run.error, 65536) as error, ordinaut.shown(run.output) as output
from ordinaut.job_state
left join ordinaut.run on run.job_id = $1::uuid and run.attempt = job_state.attempt
where job_state.job_id = $1::uuid
union all
select 'dead', attempt, left(error, 65536), null
from ordinaut.dead_letter
where job_id = $1::uuid and not exists (select from ordinaut.job where id = $1::uuid)
