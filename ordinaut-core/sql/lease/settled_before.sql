-- How attempts ended whose token ($1 job, $2 attempt, $3 session) holds no more, if their own end
-- was written: the answer to it was lost, and it comes again. An end that others wrote for them, a
-- rescue above all, is none of theirs.
select run.job_id, run.attempt, run.outcome
from unnest($1::uuid[], $2::integer[], $3::bigint[]) as asked(job_id, attempt, session)
cross join lateral (
    select job_id, attempt, outcome
    from ordinaut.run
    where run.job_id = asked.job_id and run.attempt = asked.attempt and run.session = asked.session
    offset 0
) run
where run.outcome <> 'lost'
