-- Forget what jobs waited for that have ended. A dead one may be sent back, and then goes on.
delete from ordinaut.wait
where not exists (select from ordinaut.due_work where due_work.job_id = wait.job_id)
  and not exists (select from ordinaut.parked where parked.job_id = wait.job_id)
  and not exists (select from ordinaut.dead_letter where dead_letter.job_id = wait.job_id)
