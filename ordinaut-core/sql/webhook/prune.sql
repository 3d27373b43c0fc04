-- Forget deliveries of over $1 seconds ago, and secrets that sign no more.
with forgotten as (
    delete from ordinaut.webhook_delivery where at < clock_timestamp() - make_interval(secs => $1::float8) returning 1
), ended as (
    delete from ordinaut.webhook_secret where expires_at < clock_timestamp() returning 1
)
select (select count(*) from forgotten) + (select count(*) from ended)
