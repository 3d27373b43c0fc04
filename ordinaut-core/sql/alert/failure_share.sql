-- Queues (kinds, if $4) of whose attempts that ended in the last $3 seconds at least the share $1
-- failed: up to $2, the worst first. Fewer than ten attempts say nothing.
select subject, share as value, format('%s of %s attempts failed', failed, ended) as detail
from (
    select case when $4::boolean then kind else queue end as subject, sum(failed) as failed, sum(ended) as ended,
           (sum(failed) / nullif(sum(ended), 0))::float8 as share
    from ordinaut.stat
    where step = 'minute' and begins > statement_timestamp() - make_interval(secs => $3::float8)
    group by 1
) as counted
where ended >= 10 and share >= $1::float8
order by share desc, subject
limit $2::bigint
