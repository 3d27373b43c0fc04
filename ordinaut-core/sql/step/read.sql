-- The steps of the job $1, in the order in which they were recorded.
select name, kind, attempt, result::text as result, began_at, ended_at
from ordinaut.step
where job_id = $1::uuid
order by ended_at, name
