-- Free the keys of jobs that have ended and did not say so: those that a worker of an older version
-- settled, which knows of no keys, and those whose work somebody deleted by hand. Only who replaces
-- a job changes whose a held key is, and needs that job's work for it: such a row stays as it was
-- seen. A key whose holder followed a job that has not ended is that job's again (return_key).
with freed_key as (
    update ordinaut.unique_key
    set held_until = clock_timestamp() + after_end, leader = null
    where held_until is null
      and not exists (select from ordinaut.due_work where due_work.job_id = unique_key.job_id)
      and not exists (select from ordinaut.parked where parked.job_id = unique_key.job_id)
      and (leader is null or not exists (select from ordinaut.due_work where due_work.job_id = leader)
           and not exists (select from ordinaut.parked where parked.job_id = leader))
    returning 1
)
select count(*) from freed_key
