-- Say when the tasks $1 are due next ($2), as the zone data of the version $3 has it.
update ordinaut.task
set next_run_at = counted.at, counted_run_at = counted.at, counted_by = $3::text
from unnest($1::uuid[], $2::timestamptz[]) as counted(id, at)
where task.id = counted.id
