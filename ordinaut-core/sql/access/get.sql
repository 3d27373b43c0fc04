-- The agent named $1.
select agent.*, (select count(*) from ordinaut.agent_secret
                 where agent_id = agent.id and (expires_at is null or expires_at > clock_timestamp())) as secrets
from ordinaut.agent
where name = $1::text
