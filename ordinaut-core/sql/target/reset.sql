-- Close the breakers of the target $1: of the host $2, or of all (null). It is called at once.
update ordinaut.target_host
set state = 'closed', failures = 0, opened = 0, opened_at = null, opened_by = null, reason = null, retry_at = null,
    trial_by = null, trial_until = null
where target = $1::text and ($2::text is null or host = $2::text)
returning host
