-- Give the agent named $1 the secret $2, of which $3 is the hash. Those that it has end after $4
-- seconds, or before that if they do already; those that ended long ago are deleted, so that an
-- agent that rotates each day keeps few.
with rotated as materialized (
    select id from ordinaut.agent where name = $1::text for update
), added as (
    insert into ordinaut.agent_secret (id, agent_id, hash)
    select $2::text, id, $3::bytea from rotated
), ending as (
    update ordinaut.agent_secret
    set expires_at = least(expires_at, clock_timestamp() + make_interval(secs => $4::float8))
    from rotated
    where agent_id = rotated.id and (expires_at is null or expires_at > clock_timestamp())
), forgotten as (
    delete from ordinaut.agent_secret
    using rotated
    where agent_id = rotated.id and expires_at < clock_timestamp() - interval '7 days'
)
select exists (select from rotated)
