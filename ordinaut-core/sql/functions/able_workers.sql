-- By name, because an operator drains a worker by its name, and a label names it so.
create or replace function able_workers(of_queue text, of_kind text, require text[], refuse text[])
    returns table (name text, slots bigint, running bigint)
    language sql stable
begin atomic
    select worker.name, sum(worker.concurrency), sum(worker.running)
    from worker
    where worker.ended_at is null and worker.expires_at > clock_timestamp()
      and (of_queue is null or of_queue = any(worker.queues)) and of_kind = any(worker.kinds)
      and worker.labels @> able_workers.require and not worker.labels && able_workers.refuse
      and not exists (select from drained_worker where drained_worker.name = worker.name)
    group by worker.name;
end;

comment on function able_workers is
    'Living workers that may lease jobs of a queue (null: of any) and a kind, and have what these require of them.';
