-- Names, kinds and results of what the job $1 has recorded: an attempt that goes on reads them
-- once.
select name, kind, result::text as result from ordinaut.step where job_id = $1::uuid
