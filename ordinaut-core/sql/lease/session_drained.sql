-- Whether an operator drained the worker $1.
select exists (select from ordinaut.drained_worker where name = $1::text)
