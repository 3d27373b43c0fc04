-- Cancel the next members of the batch $1, out of $2 at most: those that wait are removed, those
-- that run are asked to stop, unless they were. Nobody is waited for: those that somebody else
-- holds are "busy", and the next pass begins before the first of them.
with stopped as materialized (
    select id, stopped_to, on_success, on_complete, stopping from ordinaut.batch where id = $1::uuid
), looked as materialized (
    select job.id as job_id
    from ordinaut.job
    where batch_id = $1::uuid and job.id > (select stopped_to from stopped)
    order by batch_id, id
    limit $2::bigint
), listed as materialized (
    select job_id from looked
    where not exists (select from stopped where job_id in (on_success, on_complete))
), deleted_waiting as (
    delete from ordinaut.due_work
    where ctid = any(array(select due_work.ctid from listed join ordinaut.due_work on due_work.job_id = any(array[listed.job_id])
                           where session is null for update of due_work skip locked))
    returning job_id, attempt, flags, queue, kind
), deleted_parked as (
    delete from ordinaut.parked
    where ctid = any(array(select parked.ctid from listed join ordinaut.parked on parked.job_id = any(array[listed.job_id])
                           for update of parked skip locked))
    returning job_id, attempt, flags, queue, kind
), deleted_jobs as (
    select removed.*, 'cancelled with its batch' || case stopping
        when 'expired' then ', whose deadline has passed' when 'failed' then ', of which a member is dead' else '' end as reason
    from (table deleted_waiting union all table deleted_parked) as removed cross join stopped
), {{ended_while_waiting}}, flagged as (
    update ordinaut.due_work
    set flags = flags | ordinaut.flag_cancel_asked()
    where ctid = any(array(select due_work.ctid from listed join ordinaut.due_work on due_work.job_id = any(array[listed.job_id])
                           where session is not null and flags & ordinaut.flag_cancel_asked() = 0
                           for update of due_work skip locked))
    returning job_id, session
), worker_notified as (
    update ordinaut.worker
    set cancel_asked = cancel_asked || running.job_ids
    from (select session, array_agg(job_id) as job_ids from flagged group by session order by session) running
    where worker.session = running.session
), busy as materialized (
    select job_id from listed
    where (exists (select from ordinaut.due_work where due_work.job_id = listed.job_id
                                                   and flags & ordinaut.flag_cancel_asked() = 0 offset 0)
           or exists (select from ordinaut.parked where parked.job_id = listed.job_id offset 0))
      and job_id not in (select job_id from deleted_jobs union all select job_id from flagged)
), moved as (
    update ordinaut.batch
    set stopped_to = coalesce((select max(job_id::text)::uuid from looked
                               where not exists (select from busy where busy.job_id <= looked.job_id)), batch.stopped_to)
    where id = $1::uuid
)
select (select count(*) from looked) as looked, (select count(*) from busy) as busy, (select count(*) from flagged) as asked
