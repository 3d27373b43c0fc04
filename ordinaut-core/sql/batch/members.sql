-- The batches of those of the jobs $1 that are of one. Ids are in the order of time: of the
-- partitions those are read that hold ids from $2 to $3.
select id, batch_id
from ordinaut.job
where id = any($1::uuid[]) and id >= $2::uuid and id <= $3::uuid and batch_id is not null
