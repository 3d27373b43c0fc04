-- The process of the API $1 lives: its row, made at the first time.
--
-- It does not wait for the disk: it only tells.
with lazily as materialized (
    select set_config('synchronous_commit', 'off', true)
)
insert into ordinaut.api_process (id, name, host, pid, version, address)
select $1::uuid, $2::text, $3::text, $4::integer, $5::text, $6::text from lazily
on conflict (id) do update set seen_at = clock_timestamp()
