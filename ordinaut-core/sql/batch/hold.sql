-- The batch $1 as it takes members: it does not end before this transaction does, and its counts go
-- on. Seen are those of the tenant $2 that $3 made, where one is named.
select state = 'running' and stopping is null as takes
from ordinaut.batch
where id = $1::uuid and ($2::text is null or tenant = $2::text) and ($3::text is null or created_by = $3::text)
for key share
