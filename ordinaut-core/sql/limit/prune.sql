-- Forget what limits remember of jobs that have ended, and rates that nobody has drawn on for as
-- long as they take to fill.
with freed_slots as (
    delete from ordinaut.limit_slot
    where not exists (select from ordinaut.due_work where due_work.job_id = limit_slot.job_id offset 0)
      and not exists (select from ordinaut.parked where parked.job_id = limit_slot.job_id offset 0)
)
delete from ordinaut.limit_bucket
where not exists (
    select from ordinaut.job_limit
    where job_limit.name = limit_bucket.name and job_limit.rate is not null
      and limit_bucket.filled_at + make_interval(secs => job_limit.burst / job_limit.rate + 60) > clock_timestamp()
)
