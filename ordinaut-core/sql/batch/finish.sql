-- End the batches $1, which this transaction holds, unless members came that are not counted yet.
-- Returned are those that end now, or otherwise than before, with what they call.
with over as (
    select id, case when stopping in ('cancelled', 'expired') then stopping when dead + cancelled = 0 then 'succeeded' else 'failed' end as state
    from ordinaut.batch
    where id = any($1::uuid[]) and succeeded + dead + cancelled >= total
      and not exists (select from ordinaut.followed_end where followed_end.job_id = batch.id and followed_end.outcome = 'added')
), ended as (
    update ordinaut.batch
    set state = over.state, ended_at = clock_timestamp()
    from over
    where batch.id = any(array[over.id]) and (batch.state = 'running' or batch.state <> over.state)
    returning batch.id, batch.state, batch.dead, batch.cancelled, batch.on_success, batch.on_complete
), outbox_rows as (
    insert into ordinaut.outbox (type, queue, kind, job_ids, attempts, subject)
    select 'batch_ended', '', '', '{}', '{}', id::text from ended
)
select * from ended
