-- What happened first of all that has no number yet, if that is at least $1 seconds ago.
select '*' as subject, seconds as value, '' as detail
from (
    select extract(epoch from clock_timestamp() - at)::float8 as seconds from ordinaut.outbox order by id limit 1
) as first
where seconds >= $1::float8
