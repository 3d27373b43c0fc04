-- The active tasks whose topic may be $1: it is that, or a pattern. Each with its schedule alone,
-- as most wait for another one.
select id, schedule::text
from ordinaut.task
where schedule_kind = 'event' and status = 'active'
  and (schedule ->> 'expr' = $1::text or schedule ->> 'expr' ~ '[*#]')
order by id
