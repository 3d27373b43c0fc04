-- What lies apart is in no count of due_work: lists of queues, health and metrics ask this. What is
-- preferred and nobody has is given up by a scheduler, and stops nothing.
create or replace function placed_lines()
    returns table (queue text, kind text, jobs bigint, oldest timestamptz, stopped text)
    language sql stable
begin atomic
    select line.queue, demand.kind, line.jobs, line.oldest, coalesce(
        stopped(line.queue, demand.kind),
        case when not demand.soft and not exists (
            select from able_workers(line.queue, demand.kind, demand.require, demand.refuse)
        ) then 'labels_missing' end)
    from (
        select parked.queue, parked.key, count(*) as jobs, min(parked.run_at) as oldest
        from parked
        where parked.reason = 'placed'
        group by parked.queue, parked.key
    ) line
    join demand on demand.id::text = line.key;
end;

comment on function placed_lines is
    'Jobs that wait for a worker which has what they ask for, by queue, kind and demand, and why nobody takes them, as stopped() says it (labels_missing: no living worker has that); null: somebody does.';
