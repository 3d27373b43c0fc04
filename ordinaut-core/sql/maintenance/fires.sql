-- Delete up to $2 fires of the DEFAULT partition that were due, and recorded, over $1 seconds ago.
delete from ordinaut.fire_default
where ctid = any(array(
    select ctid
    from ordinaut.fire_default
    where greatest(at, scheduled_for) < clock_timestamp() - make_interval(secs => $1::float8)
    limit $2::bigint
))
