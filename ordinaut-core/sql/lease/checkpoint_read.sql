-- How far the job $1 has come.
select state::text from ordinaut.checkpoint where job_id = $1::uuid
