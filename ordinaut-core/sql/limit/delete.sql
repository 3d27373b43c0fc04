-- Remove the limit $1, with what it counted.
with deleted_limit as (
    delete from ordinaut.job_limit where name = $1::text returning name
), freed_slots as (
    delete from ordinaut.limit_slot using deleted_limit where limit_slot.name = deleted_limit.name
), emptied as (
    delete from ordinaut.limit_bucket using deleted_limit where limit_bucket.name = deleted_limit.name
)
select name from deleted_limit
