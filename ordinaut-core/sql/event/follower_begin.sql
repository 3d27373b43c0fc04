-- A new follower $1: before the first event that is kept ($2), or behind the last that there is.
insert into ordinaut.follower (name, n)
select $1::text, case when $2::boolean then 0 else event_head.n end
from ordinaut.event_head
on conflict (name) do nothing
