-- Give the dead letter of the job $1 other arguments ($2): they are what runs when it is sent back.
update ordinaut.dead_letter set args = $2::text::jsonb where job_id = $1::uuid returning job_id
