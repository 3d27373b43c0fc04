-- The agent named $1 signed in: attempts before it count no more.
update ordinaut.agent_password
set failures = 0, locked_until = null
from ordinaut.agent
where agent.id = agent_id and name = $1::text
