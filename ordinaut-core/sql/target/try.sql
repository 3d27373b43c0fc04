-- Let the call $3 try the host $2 of the target $1, for $4 seconds at most, if one may: its breaker
-- is open and its time has come, or the call that tried it has not ended in time. One of any number
-- of processes wins.
update ordinaut.target_host
set state = 'trial', trial_by = $3::uuid, trial_until = clock_timestamp() + make_interval(secs => $4::float8)
where target = $1::text and host = $2::text and drained_at is null
  and (state = 'open' and retry_at <= clock_timestamp() or state = 'trial' and trial_until <= clock_timestamp())
returning extract(epoch from trial_until - clock_timestamp())::float8
