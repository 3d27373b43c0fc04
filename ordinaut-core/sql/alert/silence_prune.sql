-- Delete up to $2 silences that ended over $1 seconds ago.
delete from ordinaut.alert_silence
where ctid = any(array(
    select ctid
    from ordinaut.alert_silence
    where ends_at < clock_timestamp() - make_interval(secs => $1::float8)
    limit $2::bigint
))
