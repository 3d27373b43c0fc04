create view worker_performance as
select worker.name, worker.queues, worker.concurrency, worker.running,
       coalesce(ended.succeeded, 0) as succeeded,
       coalesce(ended.failed, 0) as failed,
       coalesce(ended.snoozed, 0) as snoozed,
       coalesce(ended.cancelled, 0) as cancelled,
       coalesce(ended.dead, 0) as dead,
       coalesce(ended.lost, 0) as lost,
       coalesce(ended.released, 0) as released,
       worker.started_at, worker.renewed_at
from worker
left join lateral (
    select sum(n) filter (where outcome = 'succeeded')::bigint as succeeded,
           sum(n) filter (where outcome = 'failed')::bigint as failed,
           sum(n) filter (where outcome = 'snoozed')::bigint as snoozed,
           sum(n) filter (where outcome = 'cancelled')::bigint as cancelled,
           sum(n) filter (where outcome = 'dead')::bigint as dead,
           sum(n) filter (where outcome = 'lost')::bigint as lost,
           sum(n) filter (where outcome = 'released')::bigint as released
    from jsonb_each(worker.finished) as of_queue
    cross join lateral (select key as outcome, value::bigint as n from jsonb_each_text(of_queue.value)) as count_of
) ended on true
where worker.ended_at is null and worker.expires_at > clock_timestamp();

comment on view worker_performance is
    'What each living worker has done since it started: ends of attempts by outcome, as it said at its last renewal.';
comment on column worker_performance.running is 'Jobs that it ran at its last renewal.';

update schema_version set version = 21;
