-- The follower $1 has dealt with all events up to $2.
update ordinaut.follower set n = $2::bigint, moved_at = clock_timestamp() where name = $1::text
