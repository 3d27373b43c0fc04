-- Say when the tasks $1 are due next ($2), or pause one for a reason ($3). The instants are the
-- first ones after $4, when the clock showed $6, by the zone data $5; $7 of those before were
-- misfires.
update ordinaut.task
set next_run_at = case when decided.last_error is null then decided.next_run_at end,
    counted_run_at = decided.next_run_at, counted_after = decided.after, counted_wall = decided.wall, counted_by = $5::text,
    last_error = decided.last_error, misfires = task.misfires + decided.misfires,
    status = case when decided.last_error is null then task.status else 'paused' end
from unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::timestamptz[], $6::timestamp[], $7::bigint[])
    as decided(id, next_run_at, last_error, after, wall, misfires)
where task.id = decided.id
