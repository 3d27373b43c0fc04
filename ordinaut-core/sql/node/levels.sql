-- Of each machine: its figures, the seconds since it was heard of, its level and why, and the
-- thresholds that were set by hand, its own and those of all.
select node.name, node.cpu, (100.0 * memory_used / memory_total)::real as memory, (100.0 * disk_used / disk_total)::real as disk,
       extract(epoch from greatest(clock_timestamp() - seen_at, interval '0'))::float8 as silent, level, causes,
       own.thresholds as own, of_all.thresholds as of_all
from ordinaut.node
left join ordinaut.node_threshold own on own.node = node.name
left join ordinaut.node_threshold of_all on of_all.node = '*'
order by node.name
