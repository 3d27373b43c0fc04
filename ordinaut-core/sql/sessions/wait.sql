-- Say whether the worker of the session $1 waits to be woken ($2).
update ordinaut.worker
set waiting = $2::boolean
where session = $1::bigint and ended_at is null and waiting <> $2::boolean
