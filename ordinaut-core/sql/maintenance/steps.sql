-- Delete up to $2 steps of the DEFAULT partition that were recorded over $1 seconds ago, of jobs
-- that have ended.
delete from ordinaut.step_default
where ctid = any(array(
    select ctid
    from ordinaut.step_default as step
    where ended_at < clock_timestamp() - make_interval(secs => $1::float8)
      and not exists (select from ordinaut.due_work where due_work.job_id = step.job_id)
      and not exists (select from ordinaut.parked where parked.job_id = step.job_id)
      and not exists (select from ordinaut.dead_letter where dead_letter.job_id = step.job_id)
    limit $2::bigint
))
