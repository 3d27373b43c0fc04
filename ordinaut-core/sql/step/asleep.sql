-- Up to $1 jobs whose waits are answered, and which are not due: the process that answered died, or
-- an answer and a settle passed each other by.
select distinct wait.job_id
from ordinaut.wait
join ordinaut.due_work on due_work.job_id = wait.job_id
where answered_at is not null and session is null and run_at > clock_timestamp()
limit $1::bigint
