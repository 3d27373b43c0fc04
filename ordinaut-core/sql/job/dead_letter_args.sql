-- The kind and the arguments of the dead letter of the job $1.
select kind, args::text from ordinaut.dead_letter where job_id = $1::uuid
