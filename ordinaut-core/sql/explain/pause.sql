-- Who paused the queue $1, or all of them ('*'), since when, and why.
select name, least(paused_at, '9999-01-01') as paused_at, paused_by, paused_reason
from ordinaut.queue
where name in ($1::text, '*') and paused_at is not null
order by name = '*'
limit 1
