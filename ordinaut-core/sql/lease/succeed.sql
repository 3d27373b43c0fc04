-- End attempts that succeeded and have nothing more to say, as nearly all do: what settle.sql
-- writes for such an end, at two thirds of the cost. Each row is looked for at its place ($1)
-- alone, and must be that of the whole token there ($2 job, $3 attempt, $4 nonce, and $5, the
-- session of all); $6 is the seconds since its handler started.
--
-- $2 to $4 and $6 are in the order of the jobs' ids: width_bucket finds by halving where among them
-- a row's own is, or would be. Joined to them row by row it is a tenth more. A row that was moved
-- (a cancel was asked for) or that somebody has locked (see settle.sql) is left out, like one whose
-- lease was lost: which of these it is settle.sql finds out, by key. Jobs under limits come by key
-- too.
with deleted_work as (
    delete from ordinaut.due_work
    where ctid = any($1::tid[]) and session = $5::bigint
      and job_id = ($2::uuid[])[width_bucket(job_id, $2::uuid[])]
      and attempt = ($3::integer[])[width_bucket(job_id, $2::uuid[])]
      and nonce = ($4::integer[])[width_bucket(job_id, $2::uuid[])]
      and (xmax = xmin or xmax = '0'::xid)
    returning flags, queue, kind, job_id, attempt, ($6::float8[])[width_bucket(job_id, $2::uuid[])] as ran_for
), key_freed as (
    update ordinaut.unique_key
    set held_until = clock_timestamp() + after_end
    where job_id = any(array(select job_id from deleted_work where flags & ordinaut.flag_unique() <> 0))
), end_followed as (
    insert into ordinaut.followed_end (job_id, outcome)
    select job_id, 'succeeded' from deleted_work where flags & ordinaut.flag_followed() <> 0
    returning 1
), recorded as (
    insert into ordinaut.run (job_id, attempt, session, started_at, finished_at, outcome)
    select job_id, attempt, $5::bigint, statement_timestamp() - make_interval(secs => ran_for),
           statement_timestamp(), 'succeeded'
    from deleted_work
), outbox_rows as (
    insert into ordinaut.outbox (type, queue, kind, job_ids, attempts)
    select 'succeeded', queue, kind, array_agg(job_id), array_agg(attempt)
    from deleted_work
    group by queue, kind
    returning type, job_ids, attempts
)
select outbox_rows.*, exists (select from end_followed) as followed from outbox_rows
