-- The sessions of the worker called $1, with the instant at which the last of them ended; null: one
-- lives.
select coalesce(array_agg(session), '{}') as sessions,
       case when bool_and(ended_at is not null) then max(ended_at) end as ended_at
from ordinaut.worker
where name = $1::text or session::text = $1::text
