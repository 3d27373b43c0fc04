create view queue_health as
select known.name as queue,
       coalesce(work.waiting, 0) as waiting,
       coalesce(work.scheduled, 0) as scheduled,
       coalesce(work.running, 0) as running,
       coalesce(held.parked, 0) as parked,
       coalesce(buried.dead, 0) as dead,
       work.oldest_wait,
       exists (select from queue where queue.name in (known.name, '*') and queue.paused_at is not null) as paused,
       coalesce(served.workers, 0) as workers
from (
    select name from queue where name <> '*'
    union select queue from due_work
    union select queue from parked
    union select queue from dead_letter
) known
left join (
    select queue,
           count(*) filter (where session is null and run_at <= now()) as waiting,
           count(*) filter (where session is null and run_at > now()) as scheduled,
           count(*) filter (where session is not null) as running,
           now() - min(run_at) filter (where session is null and run_at <= now()) as oldest_wait
    from due_work
    group by queue
) work on work.queue = known.name
left join (select queue, count(*) as parked from parked group by queue) held on held.queue = known.name
left join (select queue, count(*) as dead from dead_letter group by queue) buried on buried.queue = known.name
left join (
    select served_queue, count(*) as workers
    from worker cross join unnest(queues) as served_queue
    where ended_at is null and expires_at > clock_timestamp()
    group by served_queue
) served on served.served_queue = known.name;

comment on view queue_health is 'How each queue is: every queue that has work, or that a worker has served.';
comment on column queue_health.waiting is 'Jobs that are due, and that no worker has.';
comment on column queue_health.scheduled is 'Jobs whose instant is ahead, retries among them.';
comment on column queue_health.parked is 'Jobs that are set aside: see parked.reason.';
comment on column queue_health.oldest_wait is 'Time since the job that has waited longest was due; null: none waits.';
comment on column queue_health.paused is 'The queue, or all queues, are paused.';
comment on column queue_health.workers is 'Living workers that serve it, drained ones among them.';

update schema_version set version = 20;
