-- What the job $1 waits for.
select job_id, name, kind, topic, key, question, fallback, awaited_job, began_at, until, answered_at
from ordinaut.wait
where job_id = $1::uuid
order by began_at, name
