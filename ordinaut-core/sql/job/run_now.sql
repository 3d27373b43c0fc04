-- Make the job $1 due at once, if it waits for a later time. It moves forward to the present, never
-- behind a worker's floor.
with moved as (
    update ordinaut.due_work
    set run_at = clock_timestamp()
    where job_id = $1::uuid and session is null and run_at > clock_timestamp()
    returning job_id, attempt, queue, kind
), outbox_rows as (
    insert into ordinaut.outbox (type, queue, kind, job_ids, attempts)
    select 'run_now', queue, kind, array[job_id], array[attempt]
    from moved
)
select case
    when exists (select from moved) then 'now'
    when exists (select from ordinaut.due_work where job_id = $1::uuid) then 'already_due'
    when exists (select from ordinaut.parked where job_id = $1::uuid) then 'parked'
    when exists (select from ordinaut.job where id = $1::uuid)
      or exists (select from ordinaut.dead_letter where job_id = $1::uuid) then 'too_late'
    else 'unknown'
end
