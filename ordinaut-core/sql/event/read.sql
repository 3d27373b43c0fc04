-- Up to $2 events after the number $1, and as many as name $3 jobs together, but one at least.
select n, at, type, queue, kind, job_ids, attempts, level, subject
from (
    select *, sum(cardinality(job_ids)) over (order by n rows unbounded preceding) as jobs,
           row_number() over (order by n) as place
    from (
        select n, at, type, queue, kind, job_ids, attempts, level, subject
        from ordinaut.event
        where n > $1::bigint
        order by n
        limit $2::bigint
    ) next
) measured
where jobs <= $3::bigint or place = 1
order by n
