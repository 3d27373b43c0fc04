-- For people and for the explanation of a job. Of a living worker only its number of jobs at its
-- last renewal is known.
create or replace function demand_shown(demand_id text, waiting_job uuid) returns text
    language sql stable
begin atomic
    select jsonb_build_object(
               'labels', demand.require || array(select '!' || label from unnest(demand.refuse) as label),
               'until', case when demand.soft then (select until from preference where job_id = waiting_job) end,
               'workers', able.workers, 'drained', drained.workers, 'slots', able.slots, 'running', able.running)::text
    from demand
    cross join lateral (select queue from parked where job_id = waiting_job) of_job
    cross join lateral (
        select count(*) as workers, coalesce(sum(slots), 0) as slots, coalesce(sum(running), 0) as running
        from able_workers(of_job.queue, demand.kind, demand.require, demand.refuse)
    ) able
    cross join lateral (
        select count(distinct worker.name) as workers
        from worker
        join drained_worker using (name)
        where worker.ended_at is null and worker.expires_at > clock_timestamp()
          and of_job.queue = any(worker.queues) and demand.kind = any(worker.kinds)
          and worker.labels @> demand.require and not worker.labels && demand.refuse
    ) drained
    where demand.id = demand_id::integer;
end;

comment on function demand_shown is
    'What a parked job waits for that asks something of its worker: the labels, until when it prefers them, and the living workers that have them.';
