-- The batch $1, if it is of the tenant $2 and $3 made it, where one is named.
select {{shown_batch}}
from ordinaut.batch
where id = $1::uuid and ($2::text is null or tenant = $2::text) and ($3::text is null or created_by = $3::text)
