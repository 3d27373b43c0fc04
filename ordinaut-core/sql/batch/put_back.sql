-- Put back what could not be done now, because another transaction holds what it is about: $1 job
-- or batch, $2 what is asked for. It is folded again after $3 seconds.
insert into ordinaut.followed_end (job_id, outcome, at)
select distinct on (job_id, outcome) job_id, outcome, clock_timestamp() + make_interval(secs => $3::float8)
from unnest($1::uuid[], $2::text[]) as f(job_id, outcome)
