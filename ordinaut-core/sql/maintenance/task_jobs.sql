-- Delete up to $1 entries of jobs of tasks that have ended. Fires of tasks that limit their jobs
-- clear theirs; nobody does those of the others. Those of services are kept, because they say when
-- the last job ended. An entry and its job's work are written together, so that one without the
-- other has ended.
delete from ordinaut.task_job
where ctid = any(array(
    select ctid
    from ordinaut.task_job
    where not exists (select from ordinaut.due_work where due_work.job_id = task_job.job_id)
      and not exists (select from ordinaut.parked where parked.job_id = task_job.job_id)
      and not exists (select from ordinaut.task where task.id = task_job.task_id and task.schedule_kind = 'service')
    limit $1::bigint
))
