-- Those of the tasks $1 that are of the tenant $2 and of one of the queues $3, as far as these are
-- named.
select id
from ordinaut.task
where id = any($1::uuid[]) and ($2::text is null or tenant = $2::text) and ($3::text[] is null or queue = any($3::text[]))
