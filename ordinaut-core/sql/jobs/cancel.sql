-- Cancel the job $1: at once if nobody runs it, else ask whoever does.
--
-- A row that another transaction moves while this statement runs is in neither branch, and "unseen" says so:
-- the caller asks again, with a new snapshot.
with waited as (
    delete from ordinaut.due_work
    where job_id = $1::uuid and session is null
    returning job_id, attempt, flags, queue, kind
), set_aside as (
    delete from ordinaut.parked
    where job_id = $1::uuid
    returning job_id, attempt, flags, queue, kind
), gone as (
    select * from waited union all select * from set_aside
), ended as (
    insert into ordinaut.run (job_id, attempt, outcome, error)
    select job_id, attempt + 1, 'cancelled', 'cancelled while it waited'
    from gone
), key_freed as (
    update ordinaut.unique_key
    set held_until = clock_timestamp() + after_end
    where job_id = any(array(select job_id from gone where flags & 8 = 8))
), counted as (
    insert into ordinaut.outcome_count (queue, outcome, ended)
    select queue, 'cancelled', 1
    from gone
), told as (
    insert into ordinaut.outbox (type, queue, kind, job_ids, attempts)
    select 'cancelled', queue, kind, array[job_id], array[attempt + 1]
    from gone
), flagged as (
    update ordinaut.due_work
    set flags = flags | 1
    where job_id = $1::uuid and session is not null
    returning job_id, session
), noted as (
    update ordinaut.worker
    set cancel_asked = array_append(array_remove(cancel_asked, flagged.job_id), flagged.job_id)
    from flagged
    where worker.session = flagged.session
)
select case
    when exists (select from gone) then 'now'
    when exists (select from flagged) then 'asked'
    when exists (select from ordinaut.due_work where job_id = $1::uuid)
      or exists (select from ordinaut.parked where job_id = $1::uuid) then 'unseen'
    when exists (select from ordinaut.job where id = $1::uuid)
      or exists (select from ordinaut.dead_letter where job_id = $1::uuid) then 'too_late'
    else 'unknown'
end
