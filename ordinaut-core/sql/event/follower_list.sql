-- All followers, and the number of events that each has not dealt with. One that stands behind the
-- last number was restored from elsewhere: it is not ahead of anything.
select follower.name, follower.n, follower.moved_at, greatest(event_head.n - follower.n, 0) as behind
from ordinaut.follower cross join ordinaut.event_head
order by follower.name
