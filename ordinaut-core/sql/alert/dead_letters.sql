-- Queues of whose jobs at least $1 died in the last $3 seconds and are dead letters: up to $2,
-- those with most first. The newest 100,000 are looked at.
select queue as subject, count(*)::float8 as value, '' as detail
from (
    select queue
    from ordinaut.dead_letter
    where died_at > statement_timestamp() - make_interval(secs => $3::float8)
    order by died_at desc
    limit 100000
) as recent
group by queue
having count(*) >= $1::float8
order by count(*) desc, queue
limit $2::bigint
