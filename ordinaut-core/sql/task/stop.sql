-- Give the task $1 a status ($2) in which nothing is due; nothing is returned of one that was
-- cancelled, is not there, or is not of the tenant $3 and of one of the queues $4 that the caller
-- sees. The definition stays as it is, whether or not anybody can read it.
update ordinaut.task
set status = $2::text, next_run_at = null, last_error = null, version = version + 1, updated_at = clock_timestamp()
where id = $1::uuid and status <> 'cancelled'
  and ($3::text is null or tenant = $3::text) and ($4::text[] is null or queue = any($4::text[]))
returning id
