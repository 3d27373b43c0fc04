-- Jobs are found by the index on (task_id, id), and runs by their key: a subquery with "offset 0"
-- is never turned round into a join that reads all of run. The least id of the last 48 hours is
-- computed as in uuid_v7_floor(), which is made after the views.
create view task_failure_rates as
select task.id as task_id, task.title,
       recent.runs, recent.succeeded, recent.failed, recent.snoozed, recent.cancelled, recent.dead, recent.lost, recent.released,
       round((recent.failed + recent.dead + recent.lost)::numeric
           / nullif(recent.succeeded + recent.failed + recent.dead + recent.lost, 0), 4) as failure_share
from task
cross join lateral (
    select count(*) as runs,
           count(*) filter (where ended.outcome = 'succeeded') as succeeded,
           count(*) filter (where ended.outcome = 'failed') as failed,
           count(*) filter (where ended.outcome = 'snoozed') as snoozed,
           count(*) filter (where ended.outcome = 'cancelled') as cancelled,
           count(*) filter (where ended.outcome = 'dead') as dead,
           count(*) filter (where ended.outcome = 'lost') as lost,
           count(*) filter (where ended.outcome = 'released') as released
    from job
    cross join lateral (select outcome, finished_at from run where run.job_id = job.id offset 0) ended
    where job.task_id = task.id
      and job.id >= (lpad(to_hex((extract(epoch from now() - interval '48 hours') * 1000)::bigint), 12, '0')
                     || repeat('0', 20))::uuid
      and ended.finished_at >= now() - interval '24 hours'
) recent;

comment on view task_failure_rates is
    'How the attempts of each task ended in the last 24 hours, of jobs that were made in the last 48 hours.';
comment on column task_failure_rates.failure_share is
    'The share of failed, dead and lost attempts among those that succeeded, failed, died or were lost; null: there were none.';

update schema_version set version = 22;
