-- The definitions of the active tasks $1, as text, with their arguments only if $2 says so.
select id, (case when $2::boolean then definition else definition - 'args' end)::text
from ordinaut.task
where id = any($1::uuid[]) and status = 'active'
order by id
