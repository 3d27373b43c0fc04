-- Whether there is a job $1, ended or not.
select exists (select from ordinaut.job where id = $1::uuid)
