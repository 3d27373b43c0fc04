-- Drop the rows of schedulers that were not seen for $1 seconds: they ended without a word.
delete from ordinaut.scheduler where seen_at < clock_timestamp() - make_interval(secs => $1::float8)
