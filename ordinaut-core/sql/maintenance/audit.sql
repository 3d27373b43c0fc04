-- Delete up to $2 entries of the audit that are over $1 seconds old.
delete from ordinaut.audit
where ctid = any(array(
    select ctid from ordinaut.audit where at < clock_timestamp() - make_interval(secs => $1::float8) limit $2::bigint
))
