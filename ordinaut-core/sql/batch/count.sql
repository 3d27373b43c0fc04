-- Count in the batches $1 the members that came ($2) and the ends of members ($3 succeeded, $4
-- dead, less those that were sent back, $5 cancelled). A batch that has fewer ends than members
-- again goes on: a dead one was sent back. It has no deadline any more.
--
-- No key of the row is changed, so that this waits for no transaction that adds members.
with sums as materialized (
    select *
    from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
        as s(batch_id, added, succeeded, dead, cancelled)
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
