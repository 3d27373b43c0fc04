-- The attempts of the job $1 that ended, in their order.
select attempt, session, started_at, finished_at, outcome, error, output
from ordinaut.run
where job_id = $1::uuid
order by attempt
