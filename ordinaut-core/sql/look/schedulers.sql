-- Schedulers, with whether each was seen within the last $1 seconds.
select id, name, host, pid, version, started_at, seen_at,
       seen_at > clock_timestamp() - make_interval(secs => $1::float8) as alive
from ordinaut.scheduler
order by seen_at desc
