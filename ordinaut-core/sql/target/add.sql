-- Add what a worker counted of hosts: $1 target, $2 host, $3 calls that ended, $4 of them that
-- failed, $5 the duration of the others together.
update ordinaut.target_host
set calls = target_host.calls + counted.calls, failed = target_host.failed + counted.failed, seconds = seconds + counted.took,
    recent_seconds = case
        when counted.calls = counted.failed then recent_seconds
        else coalesce(recent_seconds * 0.7, 0) + counted.took / (counted.calls - counted.failed)
             * case when recent_seconds is null then 1 else 0.3 end
    end,
    last_success_at = case when counted.calls > counted.failed then clock_timestamp() else last_success_at end
from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::float8[]) as counted(target, host, calls, failed, took)
where target_host.target = counted.target and target_host.host = counted.host
