-- Up to $1 agents by name, after the one named $2.
select agent.*, (select count(*) from ordinaut.agent_secret
                 where agent_id = agent.id and (expires_at is null or expires_at > clock_timestamp())) as secrets
from ordinaut.agent
where $2::text is null or name > $2::text
order by name
limit $1::bigint
