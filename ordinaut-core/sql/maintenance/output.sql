-- Delete up to $2 rows of output's DEFAULT partition that were said over $1 seconds ago, by jobs
-- that have ended.
delete from ordinaut.output_default
where ctid = any(array(
    select ctid
    from ordinaut.output_default as past
    where said_at < clock_timestamp() - make_interval(secs => $1::float8)
      and not exists (select from ordinaut.due_work where due_work.job_id = past.job_id)
      and not exists (select from ordinaut.parked where parked.job_id = past.job_id)
      and not exists (select from ordinaut.dead_letter where dead_letter.job_id = past.job_id)
    limit $2::bigint
))
