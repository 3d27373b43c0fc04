-- The agent whose secret has the id $1 and the hash $2.
select name, scopes, queues, tenant, revoked_at is not null as revoked,
       coalesce(least(agent.expires_at, agent_secret.expires_at) <= clock_timestamp(), false) as expired
from ordinaut.agent_secret
join ordinaut.agent on agent.id = agent_id
where agent_secret.id = $1::text and hash = $2::bytea
