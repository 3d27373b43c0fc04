-- All that the job $1 has put out in its attempt $2 (null: the last that has put out anything), and
-- whether that was more than is kept.
select attempt, coalesce(string_agg(text, '' order by n), '') as text, bool_or(seen is not null) as truncated
from ordinaut.output
where job_id = $1::uuid and channel = 'output'
  and attempt = coalesce($2::integer, (select max(attempt) from ordinaut.output where job_id = $1::uuid and channel = 'output'))
group by attempt
