-- A call of the host $2 of the target $1 failed, as the worker $3 says, because of $4; the host
-- asks for $5 seconds of quiet (null: it asks for nothing). $6 is the call that tries it, if this
-- is that one. Its breaker opens when enough have failed in a row, or when it was tried; each time
-- in a row it stays open for twice as long. A failure that comes after that changes nothing but the
-- count. All that is written comes from the row that was locked: the update sees the row as it was
-- before this statement waited for others, and the constraints are checked on what it makes of
-- that.
with found as materialized (
    select target_host.*,
           target_host.state = 'closed' and failures + 1 >= (definition ->> 'threshold')::integer
               or target_host.state = 'trial' and coalesce(trial_by = $6::uuid, false) as opens,
           least((definition ->> 'longest_seconds')::float8,
                 greatest((definition ->> 'open_for_seconds')::float8 * 2 ^ least(opened, 30), coalesce($5::float8, 0))) as pause
    from ordinaut.target_host
    join ordinaut.target on target.name = target_host.target
    where target_host.target = $1::text and target_host.host = $2::text
    for update of target_host
)
update ordinaut.target_host
set failures = least(found.failures + 1, 1000000), state = case when opens then 'open' else found.state end,
    opened = found.opened + opens::integer,
    opened_at = case when opens then coalesce(found.opened_at, clock_timestamp()) else found.opened_at end,
    opened_by = case when opens then $3::text else found.opened_by end,
    reason = case when opens then $4::text else found.reason end,
    retry_at = case when opens then clock_timestamp() + make_interval(secs => pause) else found.retry_at end,
    trial_by = case when not opens then found.trial_by end, trial_until = case when not opens then found.trial_until end
from found
where target_host.target = $1::text and target_host.host = $2::text
returning target_host.state, target_host.failures, target_host.drained_at is not null as drained,
          extract(epoch from target_host.retry_at - clock_timestamp())::float8 as retry_in,
          extract(epoch from target_host.trial_until - clock_timestamp())::float8 as trial_left
