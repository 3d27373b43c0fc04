-- Count ends of members ($1 job, $2 outcome) and members that came ($3 batch, $4 number) in their
-- batches. A batch that has fewer ends than members again goes on: a dead one was sent back. It has
-- no deadline any more. Jobs that a batch calls are none of its members.
--
-- No key of the row is changed, so that this waits for no transaction that adds members.
with ended as materialized (
    select job.id, job.batch_id, e.outcome
    from unnest($1::uuid[], $2::text[]) as e(job_id, outcome)
    join ordinaut.job on job.id = any(array[e.job_id])
    where job.batch_id is not null
), change as (
    select batch_id, 0::bigint as added, count(*) filter (where outcome = 'succeeded') as succeeded,
           count(*) filter (where outcome = 'dead') - count(*) filter (where outcome = 'requeued') as dead,
           count(*) filter (where outcome = 'cancelled') as cancelled
    from ended
    where not exists (select from ordinaut.batch where batch.id = ended.batch_id and ended.id in (on_success, on_complete))
    group by batch_id
    union all
    select id, n, 0, 0, 0 from unnest($3::uuid[], $4::bigint[]) as a(id, n)
), sums as materialized (
    select batch_id, sum(added)::bigint as added, sum(succeeded)::bigint as succeeded, sum(dead)::bigint as dead,
           sum(cancelled)::bigint as cancelled
    from change
    group by batch_id
    order by batch_id
), counted as materialized (
    select sums.*,
           batch.total + sums.added > batch.succeeded + batch.dead + batch.cancelled + sums.succeeded + sums.dead + sums.cancelled
               as goes_on
    from sums join ordinaut.batch on batch.id = any(array[sums.batch_id])
)
update ordinaut.batch
set total = batch.total + counted.added, succeeded = batch.succeeded + counted.succeeded, dead = batch.dead + counted.dead,
    cancelled = batch.cancelled + counted.cancelled,
    stopped_to = case when counted.added > 0 then '00000000-0000-0000-0000-000000000000' else stopped_to end,
    stopping = case when stopping is null and on_dead = 'cancel_rest' and batch.dead + counted.dead > 0 and goes_on
                    then 'failed' else stopping end,
    state = case when goes_on then 'running' else state end,
    ended_at = case when goes_on then null else ended_at end,
    deadline = case when goes_on and ended_at is not null then null else deadline end
from counted
where batch.id = any(array[counted.batch_id])
returning batch.id, goes_on and stopping is not null
                    and (counted.added > 0 or (stopping = 'failed' and counted.dead > 0)) as stops
