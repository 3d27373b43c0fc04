-- The limit $1, held until the end of the transaction. One that tasks imply (its queue is '') is
-- not for people to change.
select name, queue, kind, array_to_string(key, '.') as key, per_tenant, array_to_string(weight, '.') as weight, concurrency,
       rate, burst, per_process, ordered
from ordinaut.job_limit
where name = $1::text and queue is distinct from ''
for update
