-- End attempts that succeeded and have nothing more to say, as nearly all do: what settle.sql writes for such an end, at
-- two thirds of the cost. Each row is looked for at its place ($1) alone, and must be that of the whole token there ($2 job, $3
-- attempt, $4 nonce, and $5, the session of all); $6 is the seconds since its handler started.
--
-- A row that was moved (a cancel was asked for) or that somebody has locked (see settle.sql) is left out, like one whose lease
-- was lost: which of these it is settle.sql finds out, by key. Jobs under limits come by key too.
with ended as (
    select * from unnest($1::tid[], $2::uuid[], $3::integer[], $4::integer[], $6::float8[])
        as e(place, job_id, attempt, nonce, ran_for)
), gone as (
    delete from ordinaut.due_work
    using ended
    where due_work.ctid = ended.place
      and due_work.job_id = ended.job_id and due_work.attempt = ended.attempt
      and due_work.session = $5::bigint and due_work.nonce = ended.nonce
      and (due_work.xmax = due_work.xmin or due_work.xmax = '0'::xid)
    returning due_work.flags, due_work.queue, due_work.kind, ended.job_id, ended.attempt, ended.ran_for
), key_freed as (
    update ordinaut.unique_key
    set held_until = clock_timestamp() + after_end
    where job_id = any(array(select job_id from gone where flags & 8 = 8))
), recorded as (
    insert into ordinaut.run (job_id, attempt, session, started_at, finished_at, outcome)
    select job_id, attempt, $5::bigint, statement_timestamp() - make_interval(secs => ran_for),
           statement_timestamp(), 'succeeded'
    from gone
), told as (
    insert into ordinaut.outbox (type, queue, kind, job_ids, attempts)
    select 'succeeded', queue, kind, array_agg(job_id), array_agg(attempt)
    from gone
    group by queue, kind
    returning type, queue, job_ids, attempts
)
select * from told
