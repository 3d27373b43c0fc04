-- Shut the agent named $1 out, unless it is the last that may do everything. Agents that may are locked, so that two of them
-- cannot be shut out at once.
with admin as materialized (
    select id from ordinaut.agent
    where 'admin' = any(scopes) and revoked_at is null and (expires_at is null or expires_at > clock_timestamp())
    order by id
    for update
), meant as materialized (
    select agent.id, exists (select from admin where admin.id = agent.id) and (select count(*) from admin) = 1 as last_admin
    from ordinaut.agent
    where name = $1::text
), revoked as (
    update ordinaut.agent
    set revoked_at = coalesce(revoked_at, clock_timestamp())
    from meant
    where agent.id = meant.id and not meant.last_admin
)
select coalesce((select case when last_admin then 'last_admin' else 'done' end from meant), 'unknown')
