-- Delete up to $2 published events that are over $1 seconds old.
delete from ordinaut.published
where ctid = any(array(
    select ctid
    from ordinaut.published
    where at < clock_timestamp() - make_interval(secs => $1::float8)
    order by at
    limit $2::bigint
))
