-- The scheduler $1 lives: its row, made at the first time.
insert into ordinaut.scheduler (id, name, host, pid, version)
values ($1::uuid, $2::text, $3::text, $4::integer, $5::text)
on conflict (id) do update set seen_at = clock_timestamp()
