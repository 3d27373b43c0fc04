-- Delete up to $2 dead letters of jobs that died over $1 seconds ago.
delete from ordinaut.dead_letter
where ctid = any(array(
    select ctid from ordinaut.dead_letter where died_at < clock_timestamp() - make_interval(secs => $1::float8) limit $2::bigint
))
