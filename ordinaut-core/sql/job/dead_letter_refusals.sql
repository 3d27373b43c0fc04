-- Why dead letters among the jobs $1 were not sent back: another job holds the unique key that one
-- had, or it is of a service that was not cancelled and makes its next job itself. A job without a
-- row here has no dead letter, or one that nothing keeps back.
select dead_letter.job_id, holder.job_id as holder, task.id as service
from unnest($1::uuid[]) as requested(job_id)
join ordinaut.dead_letter using (job_id)
left join ordinaut.unique_key holder
    on holder.key = any(array[dead_letter.unique_key]) and holder.job_id <> dead_letter.job_id
   and (holder.held_until is null or holder.held_until > clock_timestamp() or holder.leader is not null)
left join ordinaut.task on task.id = dead_letter.task_id and task.schedule_kind = 'service' and task.status <> 'cancelled'
