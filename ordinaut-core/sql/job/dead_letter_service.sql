-- The service that the dead letter $1 is a job of, unless that was cancelled: it makes its next job itself.
select task.id
from ordinaut.dead_letter
join ordinaut.task on task.id = dead_letter.task_id
where dead_letter.job_id = $1::uuid and task.schedule_kind = 'service' and task.status <> 'cancelled'
