-- Let the jobs $1 wait to be run whose parents have ended, or whose batch has. This transaction
-- holds their rows.
with unparked as (
    delete from ordinaut.parked
    where job_id = any($1::uuid[]) and coalesce(reason, '') in ('dependency', 'batch')
    returning parked.*
), {{unparked}}
select distinct queue from unparked
