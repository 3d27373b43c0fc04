-- Keep how far attempts have come: of the job $1 and its attempt $2, as long as its lease holds
-- (session $3, nonce $4), the percent $5, the note $6 and the counter $7, which never falls. It is
-- stalled when neither has changed for $8 seconds, and cancelled then if $9. Null: as it was said
-- before in the attempt. What is returned was written; another one had lost its lease.
--
-- Without a lock on the hot row, as in checkpoint_save.sql: a newer attempt's own is never
-- overwritten.
with told as (
    select * from unnest($1::uuid[], $2::integer[], $3::bigint[], $4::integer[], $5::float8[], $6::text[], $7::bigint[],
                         $8::float8[], $9::boolean[])
        as t(job_id, attempt, session, nonce, percent, note, counter, stalls_after, cancel_stalled)
), held as materialized (
    select told.*
    from told
    cross join lateral (
        select job_id
        from ordinaut.due_work
        where due_work.job_id = told.job_id and due_work.attempt = told.attempt
          and due_work.session = told.session and due_work.nonce = told.nonce
        offset 0
    ) work
), stands as materialized (
    select held.job_id, held.attempt, coalesce(held.percent, was.percent) as percent, coalesce(held.note, was.note) as note,
           greatest(held.counter, was.counter, 0) as counter,
           coalesce(make_interval(secs => held.stalls_after), was.stalls_after) as stalls_after,
           coalesce(held.cancel_stalled, was.cancel_stalled, false) as cancel_stalled,
           case when coalesce(held.counter, 0) <= was.counter and coalesce(held.percent, was.percent) is not distinct from was.percent
               then was.moved_at end as unmoved_since, was.stalled_at
    from held
    left join lateral (
        select * from ordinaut.progress where progress.job_id = held.job_id and progress.attempt = held.attempt offset 0
    ) was on true
)
insert into ordinaut.progress as known (job_id, attempt, percent, note, counter, stalls_after, cancel_stalled, reported_at,
                                        moved_at, stalls_at, stalled_at)
select job_id, attempt, percent, note, counter, stalls_after, cancel_stalled, clock_timestamp(),
       coalesce(unmoved_since, clock_timestamp()),
       case when unmoved_since is null or stalled_at is null
           then coalesce(unmoved_since, clock_timestamp()) + stalls_after end,
       case when unmoved_since is not null then stalled_at end
from stands
order by job_id
on conflict (job_id) do update
set attempt = excluded.attempt, percent = excluded.percent, note = excluded.note,
    counter = case when known.attempt = excluded.attempt then greatest(known.counter, excluded.counter) else excluded.counter end,
    reported_at = excluded.reported_at, moved_at = excluded.moved_at, stalls_after = excluded.stalls_after,
    cancel_stalled = excluded.cancel_stalled, stalls_at = excluded.stalls_at, stalled_at = excluded.stalled_at
where known.attempt <= excluded.attempt
returning job_id, attempt
