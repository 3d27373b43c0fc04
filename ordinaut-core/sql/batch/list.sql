-- Batches, the latest first: up to $1, before the one $2, in the state $3, of the tenant $4 and
-- made by $5, where one is named.
select {{shown_batch}}
from ordinaut.batch
where ($2::uuid is null or (created_at, id) < (select created_at, id from ordinaut.batch where id = $2::uuid))
  and ($3::text is null or state = $3::text) and ($4::text is null or tenant = $4::text)
  and ($5::text is null or created_by = $5::text)
order by created_at desc, id desc
limit $1::bigint
