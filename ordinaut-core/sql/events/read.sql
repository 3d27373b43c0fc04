-- Up to $2 events after the number $1.
select n, at, type, queue, kind, job_ids, attempts, level
from ordinaut.event
where n > $1::bigint
order by n
limit $2::bigint
