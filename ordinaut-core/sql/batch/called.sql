-- The jobs that the batches $1 call.
select called
from ordinaut.batch
cross join unnest(array[on_success, on_complete]) as called
where id = any($1::uuid[]) and called is not null
