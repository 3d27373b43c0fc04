-- All machines, or the one of the name $1, with what the living workers on each have and run. What
-- a drained worker has free is not counted: it takes no job.
with at_work as materialized (
    select host, count(*) as workers, sum(running)::bigint as running,
           coalesce(sum(greatest(concurrency, running)) filter (where not exists (
               select from ordinaut.drained_worker where drained_worker.name = worker.name)), 0)::bigint as slots
    from ordinaut.worker
    where ended_at is null and expires_at > clock_timestamp()
    group by host
)
select node.name, node.cores, node.cpu, node.memory_total, node.memory_used, node.disk_total, node.disk_used, node.load,
       node.version, node.address, node.reported_by, node.level, node.causes, node.level_since, node.first_seen, node.seen_at,
       coalesce(at_work.workers, 0) as workers, coalesce(at_work.running, 0) as running, coalesce(at_work.slots, 0) as slots,
       array(
           select distinct label
           from (
               select unnest(node.labels) as label
               union all
               select unnest(worker.labels)
               from ordinaut.worker
               where worker.host = node.name and ended_at is null and expires_at > clock_timestamp()
           ) had
           order by label
       ) as labels
from ordinaut.node
left join at_work on at_work.host = node.name
where $1::text is null or node.name = $1::text
order by node.name
