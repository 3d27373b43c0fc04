-- Sign out the browser whose secret has the hash $1; if $2, all browsers of the same agent.
with known as (
    select hash, agent_id from ordinaut.browser_session where hash = $1::bytea
)
delete from ordinaut.browser_session
using known
where browser_session.hash = known.hash
   or ($2::boolean and browser_session.agent_id is not distinct from known.agent_id)
