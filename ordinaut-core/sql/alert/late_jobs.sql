-- Kinds of whose jobs that ended in the last $3 seconds at least $1 took longer than their SLA: up
-- to $2, those with most first.
select stat.kind as subject, sum(stat.late)::float8 as value,
       coalesce('their SLA is ' || max(kind_policy.sla) || ' s', '') as detail
from ordinaut.stat
left join ordinaut.kind_policy on kind_policy.kind = stat.kind
where step = 'minute' and begins > statement_timestamp() - make_interval(secs => $3::float8)
group by stat.kind
having sum(stat.late) >= $1::float8
order by sum(stat.late) desc, stat.kind
limit $2::bigint
