-- Shut the agent named $1 out, unless it is the last that may do everything.
with {{meant_agent}}, revoked as (
    update ordinaut.agent
    set revoked_at = coalesce(revoked_at, clock_timestamp())
    from meant
    where agent.id = meant.id and not meant.last_admin
)
select coalesce((select case when last_admin then 'last_admin' else 'done' end from meant), 'unknown'), 0::bigint
