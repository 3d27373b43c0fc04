-- How far the job $1 has come.
select state::text from ordinaut.cursor where job_id = $1::uuid
