-- Say when the tasks $1 are due next ($2), or pause one for a reason ($3).
update ordinaut.task
set next_run_at = case when decided.trouble is null then decided.next_run_at end,
    trouble = decided.trouble,
    status = case when decided.trouble is null then task.status else 'paused' end
from unnest($1::uuid[], $2::timestamptz[], $3::text[]) as decided(id, next_run_at, trouble)
where task.id = decided.id
