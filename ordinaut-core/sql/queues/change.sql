-- Change the bounds of the queue $1: how many jobs may wait ($3) if $2, how long ($5, in seconds) if $4.
insert into ordinaut.queue as known (name, max_waiting, max_age)
values ($1::text, $3::integer, make_interval(secs => $5::float8))
on conflict (name) do update
set max_waiting = case when $2::boolean then excluded.max_waiting else known.max_waiting end,
    max_age = case when $4::boolean then excluded.max_age else known.max_age end
