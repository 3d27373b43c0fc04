-- The definitions of the active tasks $1, as text, with their arguments only if $2 says so or the
-- jobs are unique: keys are made of arguments.
select id, (case when $2::boolean or definition ? 'unique' then definition else definition - 'args' end)::text
from ordinaut.task
where id = any($1::uuid[]) and status = 'active'
order by id
