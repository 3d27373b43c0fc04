-- A delivery of the webhook $1 succeeded (a null $2), or failed with this error. One whose
-- deliveries have all failed for $3 seconds is disabled. A success that changes nothing writes
-- nothing.
update ordinaut.webhook
set failing_since = case when $2::text is null then null else coalesce(failing_since, clock_timestamp()) end,
    last_error = coalesce($2::text, last_error),
    disabled_at = case
        when $2::text is not null and failing_since < clock_timestamp() - make_interval(secs => $3::float8)
            then coalesce(disabled_at, clock_timestamp())
        else disabled_at end
where id = $1::uuid and (failing_since is not null or $2::text is not null)
returning disabled_at is not null
