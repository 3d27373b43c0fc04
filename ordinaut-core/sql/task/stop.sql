-- Give the task $1 a status ($2) in which nothing is due; nothing is returned of one that was
-- cancelled, or is not there. The definition stays as it is, whether or not anybody can read it.
update ordinaut.task
set status = $2::text, next_run_at = null, last_error = null, version = version + 1, updated_at = clock_timestamp()
where id = $1::uuid and status <> 'cancelled'
returning id
