-- Delete up to $2 events of the DEFAULT partition that happened over $1 seconds ago.
delete from ordinaut.event_default
where ctid = any(array(
    select ctid from ordinaut.event_default where at < clock_timestamp() - make_interval(secs => $1::float8) limit $2::bigint
))
