-- Followers of the log that have at least $1 events to deal with: up to $2, the last first.
select follower.name as subject, (event_head.n - follower.n)::float8 as value, '' as detail
from ordinaut.follower
cross join ordinaut.event_head
where event_head.n - follower.n >= $1::float8
order by event_head.n - follower.n desc, follower.name
limit $2::bigint
