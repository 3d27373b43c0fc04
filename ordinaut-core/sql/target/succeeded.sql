-- A call of the host $2 of the target $1 succeeded after others had failed; $3 is the call that
-- tries it, if this is that one. A success of a call that began before the breaker opened closes
-- nothing. Nothing is returned where nothing has changed.
update ordinaut.target_host
set state = 'closed', failures = 0, opened = 0, opened_at = null, opened_by = null, reason = null, retry_at = null,
    trial_by = null, trial_until = null
where target = $1::text and host = $2::text and (state = 'closed' and failures > 0 or state = 'trial' and trial_by = $3::uuid)
returning host
