-- Say whether the worker of the session $1 asks to be told of every job at its commit ($2).
--
-- It does not wait for the disk: a renewal of the same row would wait behind it.
with lazily as materialized (
    select set_config('synchronous_commit', 'off', true)
)
update ordinaut.worker
set waiting = $2::boolean
from lazily
where session = $1::bigint and ended_at is null and waiting <> $2::boolean
