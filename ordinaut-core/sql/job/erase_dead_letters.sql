-- Delete the dead letters with the tag $1 or of the tenant $2 whose job's own row is gone.
delete from ordinaut.dead_letter
where ($1::text is null or tags @> array[$1::text])
  and ($2::text is null or tenant = $2::text)
  and not exists (select from ordinaut.job where job.id = dead_letter.job_id)
