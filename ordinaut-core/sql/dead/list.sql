-- Dead letters, the last to die first: up to $1, after the one ($2 died_at, $3 job) that the last page ended with.
select job_id, died_at, error, attempt, failures, kind, queue, priority, args, created_at
from ordinaut.dead_letter
where $2::timestamptz is null or (died_at, job_id) < ($2::timestamptz, $3::uuid)
order by died_at desc, job_id desc
limit $1::bigint
