-- Remove the limit $1, with what it counted.
with gone as (
    delete from ordinaut.job_limit where name = $1::text returning name
), freed as (
    delete from ordinaut.limit_slot using gone where limit_slot.name = gone.name
), emptied as (
    delete from ordinaut.limit_bucket using gone where limit_bucket.name = gone.name
)
select name from gone
