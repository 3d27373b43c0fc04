-- Forget up to $1 keys whose windows are over. skip locked: somebody takes that one at this moment.
-- One whose holder followed a job that has not ended stays: it is that job's again (return_key).
with past as (
    select key
    from ordinaut.unique_key
    where held_until <= clock_timestamp()
      and (leader is null or not exists (select from ordinaut.due_work where due_work.job_id = leader)
           and not exists (select from ordinaut.parked where parked.job_id = leader))
    order by held_until
    limit $1::bigint
    for update skip locked
), deleted_key as (
    delete from ordinaut.unique_key using past where unique_key.key = any(array[past.key]) returning 1
)
select count(*) from deleted_key
