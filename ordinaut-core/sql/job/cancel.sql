-- Cancel the job $1: at once if nobody runs it, else ask the worker that does.
--
-- A row that another transaction moves while this statement runs is in neither branch, and "unseen"
-- says so: the caller asks again, with a new snapshot.
with deleted_waiting as (
    delete from ordinaut.due_work
    where job_id = $1::uuid and session is null
    returning job_id, attempt, flags, queue, kind
), deleted_parked as (
    delete from ordinaut.parked
    where job_id = $1::uuid
    returning job_id, attempt, flags, queue, kind
), deleted_jobs as (
    select removed.*, 'cancelled while it waited' as reason
    from (table deleted_waiting union all table deleted_parked) as removed
), {{ended_while_waiting}}, flagged as (
    update ordinaut.due_work
    set flags = flags | ordinaut.flag_cancel_asked()
    where job_id = $1::uuid and session is not null
    returning job_id, session
), worker_notified as (
    update ordinaut.worker
    set cancel_asked = array_append(array_remove(cancel_asked, flagged.job_id), flagged.job_id)
    from flagged
    where worker.session = flagged.session
)
select case
    when exists (select from deleted_jobs) then 'now'
    when exists (select from flagged) then 'asked'
    when exists (select from ordinaut.due_work where job_id = $1::uuid)
      or exists (select from ordinaut.parked where job_id = $1::uuid) then 'unseen'
    when exists (select from ordinaut.job where id = $1::uuid)
      or exists (select from ordinaut.dead_letter where job_id = $1::uuid) then 'too_late'
    else 'unknown'
end
