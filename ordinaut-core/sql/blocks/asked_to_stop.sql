-- What is written of leases that end without an end of their attempt: the room of limits is free,
-- but that of an ordered one stays the job's if it goes on; and a job that was asked to stop has
-- ended: its run, the end of its unique key, the end that somebody follows. The statement has
-- removed their rows, and names them in "deleted_work", with the error of such a run as "stopped".
freed_slots as (
    delete from ordinaut.limit_slot
    where job_id = any(array(select job_id from deleted_work where flags & ordinaut.flag_limited() <> 0))
      and not (ordered and job_id = any(array(select job_id from deleted_work where flags & ordinaut.flag_cancel_asked() = 0)))
), recorded as (
    insert into ordinaut.run (job_id, attempt, session, outcome, error)
    select job_id, attempt, session, 'cancelled', stopped
    from deleted_work
    where flags & ordinaut.flag_cancel_asked() <> 0
), key_freed as (
    update ordinaut.unique_key
    set held_until = clock_timestamp() + after_end
    where job_id = any(array(
        select job_id from deleted_work where flags & ordinaut.flag_cancel_asked() <> 0 and flags & ordinaut.flag_unique() <> 0))
), end_followed as (
    insert into ordinaut.followed_end (job_id, outcome)
    select job_id, 'cancelled'
    from deleted_work
    where flags & ordinaut.flag_cancel_asked() <> 0 and flags & ordinaut.flag_followed() <> 0
    returning 1
)
