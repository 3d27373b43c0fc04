-- A process tells of its machine, $1 to $12: its row, made at the first time. The level is a
-- scheduler's to write.
--
-- It does not wait for the disk: it only tells.
with lazily as materialized (
    select set_config('synchronous_commit', 'off', true)
)
insert into ordinaut.node (name, cores, cpu, memory_total, memory_used, disk_total, disk_used, load, version, address,
                           labels, reported_by)
select $1::text, $2::integer, $3::real, $4::bigint, $5::bigint, $6::bigint, $7::bigint, $8::real, $9::text, $10::text,
       $11::text[], $12::text
from lazily
on conflict (name) do update
set cores = excluded.cores, cpu = excluded.cpu, memory_total = excluded.memory_total, memory_used = excluded.memory_used,
    disk_total = excluded.disk_total, disk_used = excluded.disk_used, load = excluded.load, version = excluded.version,
    address = excluded.address, labels = excluded.labels, reported_by = excluded.reported_by, seen_at = clock_timestamp()
