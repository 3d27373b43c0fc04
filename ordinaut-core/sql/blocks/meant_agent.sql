-- The agent named $1, and whether it is the last one that may do everything. Those that may are
-- locked, so that two of them cannot be taken away at once.
admin as materialized (
    select id from ordinaut.agent
    where 'admin' = any(scopes) and revoked_at is null and (expires_at is null or expires_at > clock_timestamp())
    order by id
    for update
), meant as materialized (
    select agent.id, exists (select from admin where admin.id = agent.id) and (select count(*) from admin) = 1 as last_admin
    from ordinaut.agent
    where name = $1::text
)
