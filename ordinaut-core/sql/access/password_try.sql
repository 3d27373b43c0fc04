-- Count an attempt to sign in as the agent named $1, and read what its password hashes to. It is
-- counted before the password is looked at, so that guesses at the same time are counted too. No
-- hash: after $2 attempts in a row that were wrong none is looked at for $3 seconds. No row: there
-- is no such agent, it has no password, or it may not call any more.
with named as materialized (
    select agent_id, hash, locked_until > clock_timestamp() as locked,
           case when locked_until <= clock_timestamp() then 0 else failures end as failures
    from ordinaut.agent_password
    join ordinaut.agent on agent.id = agent_id
    where name = $1::text and revoked_at is null and (expires_at is null or expires_at > clock_timestamp())
    for update of agent_password
), counted as (
    update ordinaut.agent_password
    set failures = named.failures + 1,
        locked_until = case when named.failures + 1 >= $2::integer
                            then clock_timestamp() + make_interval(secs => $3::float8) end
    from named
    where agent_password.agent_id = named.agent_id and named.locked is not true
)
select case when locked is not true then hash end from named
