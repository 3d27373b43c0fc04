-- Machines that are heard of and of whose cpu, memory or disk ($3) at least $1 percent are in use:
-- up to $2, the fullest first.
select name as subject, used as value, '' as detail
from (
    select name, case $3::text when 'cpu' then cpu
                               when 'memory' then 100.0 * memory_used / memory_total
                               else 100.0 * disk_used / disk_total end::float8 as used
    from ordinaut.node
    where level <> 'offline'
) as node
where used >= $1::float8
order by used desc, name
limit $2::bigint
