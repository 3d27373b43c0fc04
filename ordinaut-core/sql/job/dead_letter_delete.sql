-- Delete the dead letters of the jobs $1. What they did stays in run; they cannot be sent back.
delete from ordinaut.dead_letter where job_id = any($1::uuid[]) returning job_id
