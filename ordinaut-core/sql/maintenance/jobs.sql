-- Delete up to $2 jobs of the DEFAULT partition that were enqueued and ended over $1 seconds ago:
-- those that outlived their own partition, and those of clients whose clock was wrong, by the
-- database's clock.
delete from ordinaut.job_default
where ctid = any(array(
    select ctid
    from ordinaut.job_default as job
    where created_at < clock_timestamp() - make_interval(secs => $1::float8)
      and not exists (select from ordinaut.due_work where due_work.job_id = job.id)
      and not exists (select from ordinaut.parked where parked.job_id = job.id)
      and not exists (select from ordinaut.dead_letter where dead_letter.job_id = job.id)
      and not exists (select from ordinaut.run where run.job_id = job.id
                        and run.finished_at >= clock_timestamp() - make_interval(secs => $1::float8))
    limit $2::bigint
))
