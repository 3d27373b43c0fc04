-- The number of events from $1 to $2. Numbers may be missing in the log itself: a restore leaves
-- some out.
select count(*) from ordinaut.event where n between $1::bigint and $2::bigint
