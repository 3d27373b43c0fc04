-- Forget how far jobs had come that have ended. A dead one may be sent back, and then goes on from
-- there.
delete from ordinaut.checkpoint
where not exists (select from ordinaut.due_work where due_work.job_id = checkpoint.job_id)
  and not exists (select from ordinaut.parked where parked.job_id = checkpoint.job_id)
  and not exists (select from ordinaut.dead_letter where dead_letter.job_id = checkpoint.job_id)
