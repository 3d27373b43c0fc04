-- Delete the agent named $1 with its secrets, unless it is the last that may do everything, or
-- tasks that it created still fire: nobody would know whose they are. The answer has their number.
with {{meant_agent}}, owned as (
    select count(*) as tasks from ordinaut.task where created_by = $1::text and status = 'active'
), deleted as (
    delete from ordinaut.agent
    using meant, owned
    where agent.id = meant.id and not meant.last_admin and owned.tasks = 0
)
select coalesce((select case when last_admin then 'last_admin' when owned.tasks > 0 then 'owns' else 'done' end from meant), 'unknown'),
       owned.tasks
from owned
