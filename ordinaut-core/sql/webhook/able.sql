-- Enable the webhook that is named $1, or disable it (not $2). One that was enabled again has not
-- failed yet.
update ordinaut.webhook
set disabled_at = case when $2::boolean then null else coalesce(disabled_at, clock_timestamp()) end,
    failing_since = case when $2::boolean then null else failing_since end
where name = $1::text
returning id, name, url, types, queues, kinds, queue, created_by, created_at, failing_since, last_error, disabled_at
