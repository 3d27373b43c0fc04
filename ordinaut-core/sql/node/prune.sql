-- Forget machines of which nobody has told for $1 seconds.
delete from ordinaut.node where seen_at < clock_timestamp() - make_interval(secs => $1::float8)
