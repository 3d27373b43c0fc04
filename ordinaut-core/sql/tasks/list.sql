-- Up to $1 tasks, newest first, older than the task $2, of a status ($3), kind of job ($4), queue ($5) and kind of
-- schedule ($6), with $7 in the title, where one is named.
select id, definition, status, trouble, next_run_at, watch, version, created_at, updated_at
from ordinaut.task
where ($2::uuid is null or id < $2::uuid)
  and ($3::text is null or status = $3::text)
  and ($4::text is null or kind = $4::text)
  and ($5::text is null or queue = $5::text)
  and ($6::text is null or schedule_kind = $6::text)
  and ($7::text is null or position(lower($7::text) in lower(title)) > 0)
order by id desc
limit $1::bigint
