-- A browser signs in for $4 seconds: $1 is the hash of what it holds. As the agent named $2, with
-- its secret $3 if it was a token, or with the token of the settings, of which $5 is the hash.
-- Sessions that are over are deleted on the way, a few at a time.
with over as materialized (
    select hash from ordinaut.browser_session
    where expires_at < clock_timestamp()
    order by expires_at
    limit 100
    for update skip locked
), deleted as (
    delete from ordinaut.browser_session using over where browser_session.hash = over.hash
), owner as (
    select (select id from ordinaut.agent where name = $2::text) as agent_id
)
insert into ordinaut.browser_session (hash, agent_id, secret_id, settings_hash, expires_at)
select $1::bytea, agent_id, $3::text, $5::bytea, clock_timestamp() + make_interval(secs => $4::float8)
from owner
where agent_id is not null or $5::bytea is not null
returning true
