-- Whom the browser belongs to whose secret has the hash $1, if its session is not over. Agent,
-- secret and session each may have ended.
select name, scopes, queues, tenant, settings_hash
from ordinaut.browser_session
left join ordinaut.agent on agent.id = browser_session.agent_id
left join ordinaut.agent_secret on agent_secret.id = secret_id
where browser_session.hash = $1::bytea
  and least(browser_session.expires_at, agent.expires_at, agent_secret.expires_at) > clock_timestamp()
  and agent.revoked_at is null
