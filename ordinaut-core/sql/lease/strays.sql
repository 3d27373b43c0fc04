-- What the session $1 leased under the nonces $2: claims whose answer never reached the worker, so
-- that no handler started. Reads the whole table, and is needed only after a connection broke
-- within a claim.
select job_id, attempt, session, nonce
from ordinaut.due_work
where session = $1::bigint and nonce = any($2::integer[])
