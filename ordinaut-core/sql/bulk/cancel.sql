-- End a bulk operation where it is. What was done stays done.
update ordinaut.bulk
set cancelled_at = clock_timestamp(), finished_at = clock_timestamp()
where id = $1::uuid and finished_at is null
returning *
