-- The arguments of the jobs $1, in this order: as many as have $2 octets together, but one at
-- least. The walk reads nothing that is not shown.
with recursive walk as (
    select 0::bigint as place, null::text as args, 0::bigint as octets
    union all
    select walk.place + 1, next.args, walk.octets + coalesce(octet_length(next.args), 0)
    from walk
    cross join lateral (
        select (select ordinaut.shown(job.args) from ordinaut.job where job.id = ($1::uuid[])[walk.place + 1]) as args
    ) next
    where walk.place < cardinality($1::uuid[]) and walk.octets <= $2::bigint
)
select args from walk where place >= 1 and (octets <= $2::bigint or place = 1) order by place
