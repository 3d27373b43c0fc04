-- Take up to $2 tasks, after the task $3, whose next instant was counted with zone data older than
-- $1, each with its schedule and calendars alone. skip locked: one that is being changed or fired
-- is counted by that.
select id, schedule::text, coalesce(definition -> 'calendars', '[]')::text as calendars, counted_after, counted_wall
from ordinaut.task
where counted_by < $1::text and next_run_at = counted_run_at and ($3::uuid is null or id > $3::uuid)
order by id
limit $2::bigint
for update skip locked
