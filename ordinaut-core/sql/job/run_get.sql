-- The attempt $2 of the job $1, with its error and output.
select run.attempt, run.session, run.started_at, run.finished_at, run.outcome, left(run.error, 65536) as error,
       ordinaut.shown(run.output) as output, 1::bigint as walked
from ordinaut.run
where run.job_id = $1::uuid and run.attempt = $2::integer
