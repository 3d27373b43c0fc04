-- Delete up to $2 bulk operations that ended over $1 seconds ago.
delete from ordinaut.bulk
where ctid = any(array(
    select ctid from ordinaut.bulk where finished_at < clock_timestamp() - make_interval(secs => $1::float8) limit $2::bigint
))
