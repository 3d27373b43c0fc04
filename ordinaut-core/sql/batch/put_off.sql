-- Put off the row that the fold would take first, for $1 seconds, and say which it is. One that
-- another transaction has is being folded.
update ordinaut.followed_end
set at = clock_timestamp() + make_interval(secs => $1::float8)
where id = any(array(
    select id from ordinaut.followed_end
    where at <= clock_timestamp()
    order by id
    limit 1
    for update skip locked
))
returning job_id, outcome
