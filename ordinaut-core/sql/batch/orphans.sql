-- Cancel jobs that wait for the end of a batch and will never be called, 500 at most: their batch
-- is gone, or has ended and nothing of it can be sent back any more.
with uncalled as materialized (
    select parked.ctid as place, parked.key
    from ordinaut.parked
    left join ordinaut.batch on batch.id = any(array[case parked.reason when 'batch' then parked.key::uuid end])
    where parked.reason = 'batch'
      and (batch.id is null or (batch.ended_at is not null and not exists (
          select from ordinaut.dead_letter where dead_letter.batch_id = batch.id)))
      -- One that was just sent back makes its batch go on.
      and not exists (select from ordinaut.followed_end where outcome = 'requeued')
    limit 500
    for update of parked skip locked
), deleted_jobs as (
    delete from ordinaut.parked
    using uncalled
    where parked.ctid = uncalled.place
    returning parked.job_id, attempt, flags, queue, kind, 'its batch ' || uncalled.key || ' has ended without it' as reason
), {{ended_while_waiting}}
select count(*) from deleted_jobs
