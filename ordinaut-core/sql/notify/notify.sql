-- Wake workers that listen on the channel $1 for the queues $2. A lost hint costs a poll interval,
-- so that it need not be durable; without the flush, its lock is held for no time worth naming.
select pg_notify($1, queue), set_config('synchronous_commit', 'off', true)
from unnest($2::text[]) as queue
