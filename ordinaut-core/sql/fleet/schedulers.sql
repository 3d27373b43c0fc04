-- Schedulers, with whether each was seen within the last $1 seconds. An instant that lies further
-- in the future was noted before the clock was set back, and says nothing.
select id, name, host, pid, version, started_at, seen_at,
       seen_at > clock_timestamp() - make_interval(secs => $1::float8)
           and seen_at < clock_timestamp() + make_interval(secs => $1::float8) as alive
from ordinaut.scheduler
order by seen_at desc
