-- Delete the agent named $1 with its secrets, unless it is the last that may do everything; as in access/revoke.sql.
with admin as materialized (
    select id from ordinaut.agent
    where 'admin' = any(scopes) and revoked_at is null and (expires_at is null or expires_at > clock_timestamp())
    order by id
    for update
), meant as materialized (
    select agent.id, exists (select from admin where admin.id = agent.id) and (select count(*) from admin) = 1 as last_admin
    from ordinaut.agent
    where name = $1::text
), deleted as (
    delete from ordinaut.agent
    using meant
    where agent.id = meant.id and not meant.last_admin
)
select coalesce((select case when last_admin then 'last_admin' else 'done' end from meant), 'unknown')
