-- Targets of which at least $1 hosts are not called, because their breakers are open: up to $2,
-- those with most first.
select target as subject, count(*)::float8 as value, string_agg(concat_ws(': ', host, reason), '; ' order by place) as detail
from ordinaut.target_host
where state <> 'closed'
group by target
having count(*) >= $1::float8
order by count(*) desc, target
limit $2::bigint
