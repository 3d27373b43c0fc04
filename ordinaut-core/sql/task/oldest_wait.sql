-- Seconds for which the oldest job has waited in the queue $1. By priority, because that is the
-- order of the key.
select extract(epoch from clock_timestamp() - min(oldest.run_at))::float8
from generate_series(1, 9) as level
cross join lateral (
    select run_at
    from ordinaut.due_work
    where queue = $1::text and priority = level::smallint and session is null and run_at <= statement_timestamp()
    order by run_at
    limit 1
) oldest
