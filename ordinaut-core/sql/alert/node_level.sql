-- Machines whose level is at least $1 (1 warning, 2 critical, 3 offline): up to $2, the worst
-- first.
select name as subject, rank as value, concat_ws(': ', level, nullif(array_to_string(causes, ', '), '')) as detail
from (
    select *, case level when 'healthy' then 0 when 'warning' then 1 when 'critical' then 2 else 3 end::float8 as rank
    from ordinaut.node
) as ranked
where rank >= $1::float8
order by rank desc, name
limit $2::bigint
