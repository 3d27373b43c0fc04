-- Delete up to $2 runs of the DEFAULT partition that ended over $1 seconds ago, of jobs that have
-- ended.
delete from ordinaut.run_default
where ctid = any(array(
    select ctid
    from ordinaut.run_default as run
    where finished_at < clock_timestamp() - make_interval(secs => $1::float8)
      and not exists (select from ordinaut.due_work where due_work.job_id = run.job_id)
      and not exists (select from ordinaut.parked where parked.job_id = run.job_id)
      and not exists (select from ordinaut.dead_letter where dead_letter.job_id = run.job_id)
    limit $2::bigint
))
