-- Delete up to $2 alerts that were over $1 seconds ago.
delete from ordinaut.alert
where ctid = any(array(
    select ctid
    from ordinaut.alert
    where state = 'resolved' and resolved_at < clock_timestamp() - make_interval(secs => $1::float8)
    limit $2::bigint
))
