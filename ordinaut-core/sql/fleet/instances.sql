-- Every process that tells of itself: those of the API and schedulers, alive if seen within the
-- last $1 seconds (an instant that lies further in the future was noted before the clock was set
-- back), and workers whose sessions have not ended. A few thousand at most.
select *
from (
    select 'api' as program, id::text as id, name, host, pid, version, address, started_at, seen_at,
           seen_at > clock_timestamp() - make_interval(secs => $1::float8)
               and seen_at < clock_timestamp() + make_interval(secs => $1::float8) as alive
    from ordinaut.api_process
    union all
    select 'scheduler', id::text, name, host, pid, version, null, started_at, seen_at,
           seen_at > clock_timestamp() - make_interval(secs => $1::float8)
               and seen_at < clock_timestamp() + make_interval(secs => $1::float8)
    from ordinaut.scheduler
    union all
    select 'worker', session::text, name, host, pid, version, null, least(started_at, '9999-01-01'), least(renewed_at, '9999-01-01'),
           expires_at > clock_timestamp()
    from ordinaut.worker
    where ended_at is null
) instance
order by program, seen_at desc, id
limit 5000
