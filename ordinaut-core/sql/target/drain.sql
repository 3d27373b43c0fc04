-- Give the host $2 of the target $1 no more calls ($3), or calls again.
update ordinaut.target_host
set drained_at = case when $3::boolean then coalesce(drained_at, clock_timestamp()) end
where target = $1::text and host = $2::text
returning host
