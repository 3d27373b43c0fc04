-- Say whether the worker of the session $1 asks to be told of every job at its commit ($2).
update ordinaut.worker
set waiting = $2::boolean
where session = $1::bigint and ended_at is null and waiting <> $2::boolean
