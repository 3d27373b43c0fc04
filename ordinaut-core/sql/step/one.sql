-- The result of the step $2 of the job $1.
select result::text from ordinaut.step where job_id = $1::uuid and name = $2::text
