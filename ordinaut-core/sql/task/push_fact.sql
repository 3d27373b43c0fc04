-- Keep the value $2 of the fact $1 for conditions to look at.
insert into ordinaut.fact (name, value)
values ($1::text, $2::float8)
on conflict (name) do update set value = excluded.value, pushed_at = clock_timestamp()
