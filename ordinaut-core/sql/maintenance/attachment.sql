-- Delete up to $2 rows of attachment that are older than $1 seconds, of jobs that have ended.
delete from ordinaut.attachment
where ctid = any(array(
    select ctid
    from ordinaut.attachment as past
    where attached_at < clock_timestamp() - make_interval(secs => $1::float8)
      and not exists (select from ordinaut.due_work where due_work.job_id = past.job_id)
      and not exists (select from ordinaut.parked where parked.job_id = past.job_id)
      and not exists (select from ordinaut.dead_letter where dead_letter.job_id = past.job_id)
    limit $2::bigint
))
