-- How far the job $1 has come, as its last attempt that said so has it.
select attempt, percent, note, counter, reported_at, moved_at,
       extract(epoch from stalls_after)::float8 as stalls_after_seconds, cancel_stalled, stalled_at
from ordinaut.progress
where job_id = $1::uuid
