-- Give the webhook that is named $1 a new secret ($2); those that it has sign for $3 seconds more.
with meant as (
    select id from ordinaut.webhook where name = $1::text for update
), ending as (
    update ordinaut.webhook_secret
    set expires_at = least(expires_at, clock_timestamp() + make_interval(secs => $3::float8))
    from meant
    where webhook_secret.webhook_id = meant.id
), made as (
    insert into ordinaut.webhook_secret (webhook_id, secret)
    select id, $2::bytea from meant
)
select exists (select from meant)
