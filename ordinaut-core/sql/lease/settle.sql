-- End attempts, each under its whole token ($1 job, $2 attempt, $3 session, $4 nonce) with its
-- outcome ($5). A null $6 ends the job too; else a new row is due after $6 seconds, with $7
-- failures: nothing becomes free in place. "= any(array[…])" cannot be turned round: with a plain
-- "=", a plan made while a table was empty reads all of it for each job. A first loss sets
-- flag_lost_once, a second one flag_suspect, for the job's life. The cancel flag is read from the
-- deleted row: a job that was asked to stop gets no further attempt. A claim of another worker
-- whose snapshot is older than this lease locks its row, finds it leased, and keeps the lock until
-- it ends: xmax is then neither none nor that of the lease itself. Unless $11 says to wait for
-- those, they are left out if that claim has not ended; only if there are some is that asked. What
-- is returned was settled, and whether somebody follows one that ended; a token that is missing had
-- lost its lease, and nothing was written for it.
with ended as (
    select * from unnest($1::uuid[], $2::integer[], $3::bigint[], $4::integer[], $5::text[], $6::float8[],
                         $7::smallint[], $8::text[], $9::text[], $10::float8[])
        as e(job_id, attempt, session, nonce, outcome, again_in, failures, error, output, ran_for)
), deleted_work as (
    delete from ordinaut.due_work
    using ended
    where due_work.job_id = any(array[ended.job_id]) and due_work.attempt = ended.attempt
      and due_work.session = ended.session and due_work.nonce = ended.nonce
      and ($11::boolean or due_work.xmax = due_work.xmin or due_work.xmax = '0'::xid or due_work.ctid = any(array(
          select stepped_over.ctid
          from unnest($1::uuid[], $3::bigint[]) as own(job_id, session)
          join ordinaut.due_work as stepped_over
              on stepped_over.job_id = any(array[own.job_id]) and stepped_over.session = own.session
          where stepped_over.xmax <> stepped_over.xmin and stepped_over.xmax <> '0'::xid
          for update of stepped_over skip locked
      )))
    returning again_in is not null and due_work.flags & ordinaut.flag_cancel_asked() = 0 as goes_on, due_work.flags,
              case when again_in is not null and due_work.flags & ordinaut.flag_cancel_asked() <> 0
                   then 'cancelled' else outcome end as decided,
              due_work.queue, due_work.kind, due_work.priority, ended.*
), retried as (
    insert into ordinaut.due_work (run_at, job_id, priority, attempt, failures, flags, queue, kind)
    select clock_timestamp() + make_interval(secs => again_in), job_id, priority, attempt, failures,
           flags & ~ordinaut.flag_limited() | case when outcome <> 'lost' then 0
               when flags & ordinaut.flag_lost_once() = 0 then ordinaut.flag_lost_once() else ordinaut.flag_suspect() end, queue, kind
    from deleted_work where goes_on
), key_freed as (
    update ordinaut.unique_key
    set held_until = clock_timestamp() + after_end
    where job_id = any(array(select job_id from deleted_work where flags & ordinaut.flag_unique() <> 0 and not goes_on))
), end_followed as (
    insert into ordinaut.followed_end (job_id, outcome)
    select job_id, decided from deleted_work where flags & ordinaut.flag_followed() <> 0 and not goes_on
    returning 1
), freed_slots as (
    -- Of an ordered limit, a job that goes on keeps its place.
    delete from ordinaut.limit_slot
    where job_id = any(array(select job_id from deleted_work where flags & ordinaut.flag_limited() <> 0))
      and not (ordered and job_id = any(array(select job_id from deleted_work where goes_on)))
), recorded as (
    insert into ordinaut.run (job_id, attempt, session, started_at, finished_at, outcome, error, output)
    select job_id, attempt, session, statement_timestamp() - make_interval(secs => ran_for),
           statement_timestamp(), decided, error, output::jsonb
    from deleted_work
), died as (
    select * from deleted_work where decided = 'dead'
), {{buried}}, outbox_rows as (
    insert into ordinaut.outbox (type, queue, kind, job_ids, attempts)
    select decided, queue, kind, array_agg(job_id), array_agg(attempt)
    from deleted_work
    group by decided, queue, kind
    returning type, job_ids, attempts
)
select outbox_rows.*, exists (select from end_followed) as followed from outbox_rows
