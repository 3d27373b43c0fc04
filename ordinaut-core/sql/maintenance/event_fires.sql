-- Delete up to $2 records of events that reached a task over $1 seconds ago.
delete from ordinaut.event_fire
where ctid = any(array(
    select ctid from ordinaut.event_fire where at < clock_timestamp() - make_interval(secs => $1::float8) limit $2::bigint
))
