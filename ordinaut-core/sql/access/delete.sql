-- Delete the agent named $1 with its secrets, unless it is the last that may do everything.
with {{meant_agent}}, deleted as (
    delete from ordinaut.agent
    using meant
    where agent.id = meant.id and not meant.last_admin
)
select coalesce((select case when last_admin then 'last_admin' else 'done' end from meant), 'unknown')
