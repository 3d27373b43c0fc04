-- Number of jobs that wait in the queue $1, counted up to $2: beyond the threshold, by how much
-- does not matter.
select count(*)::float8
from (
    select
    from ordinaut.due_work
    where queue = $1::text and session is null and run_at <= statement_timestamp()
    limit $2::bigint
) waiting
