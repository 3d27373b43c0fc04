-- Change the bounds of the queue $1: how many jobs may wait ($3) if $2, how long ($5, in seconds)
-- if $4; and for how long what ended is kept ($7, in seconds) if $6.
insert into ordinaut.queue as known (name, max_waiting, max_age, retention)
values ($1::text, $3::integer, make_interval(secs => $5::float8), make_interval(secs => $7::float8))
on conflict (name) do update
set max_waiting = case when $2::boolean then excluded.max_waiting else known.max_waiting end,
    max_age = case when $4::boolean then excluded.max_age else known.max_age end,
    retention = case when $6::boolean then excluded.retention else known.retention end
