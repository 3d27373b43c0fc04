-- Make up to $1 jobs due of a kind whose policy was changed, which its former hours had put off:
-- their last attempt says so (lease/settlement.rs). Jobs that wait for anything else stay. Those
-- that the new hours do not allow are put off again, and are not looked at again: that was later.
-- When no more are left, the change is done with, unless there was another one in the meantime.
-- due_work is read whole: policies change seldom. "offset 0" and "= any(array[…])" keep that its
-- run is looked up by key.
with changed as materialized (
    select kind, at from ordinaut.kind_release where at <= clock_timestamp() order by at limit 1
), put_off as materialized (
    select job_id
    from ordinaut.due_work
    where exists (select from changed) and kind = (select kind from changed) and session is null and run_at > clock_timestamp()
      and exists (
          select from ordinaut.run
          where run.job_id = any(array[due_work.job_id]) and run.attempt = due_work.attempt
            and outcome = 'snoozed' and error like 'put off: %' and finished_at < (select at from changed)
          offset 0
      )
    limit $1::bigint
), moved as (
    update ordinaut.due_work
    set run_at = clock_timestamp()
    from put_off
    where due_work.job_id = any(array[put_off.job_id]) and session is null and run_at > clock_timestamp()
    returning due_work.job_id, attempt, queue, kind
), done as (
    delete from ordinaut.kind_release
    using changed
    where kind_release.kind = changed.kind and kind_release.at = changed.at and not exists (select from put_off)
), outbox_rows as (
    insert into ordinaut.outbox (type, queue, kind, job_ids, attempts)
    select 'run_now', queue, kind, array_agg(job_id), array_agg(attempt)
    from moved
    group by queue, kind
)
select array(select distinct queue from moved) from changed
