-- How far the jobs $1 have come, those that have saved anything.
select asked.job_id, saved.state
from unnest($1::uuid[]) as asked(job_id)
cross join lateral (
    select state::text as state from ordinaut.checkpoint where checkpoint.job_id = asked.job_id offset 0
) saved
