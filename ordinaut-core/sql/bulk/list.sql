-- Bulk operations, the latest first: up to $1, before the one $2.
select *
from ordinaut.bulk
where $2::uuid is null
   or (created_at, id) < (select created_at, id from ordinaut.bulk where id = $2::uuid)
order by created_at desc, id desc
limit $1::bigint
