-- What the sessions $1 hold. Reads the whole table, as a look for jobs of dead sessions does, and
-- is asked every few seconds by a process that serves sessions of workers elsewhere: a lease whose
-- answer was lost on its way is in nobody's memory.
select job_id, attempt, session, nonce
from ordinaut.due_work
where session = any($1::bigint[])
