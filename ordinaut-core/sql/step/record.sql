-- Record the step $5 of the kind $6 of the attempt $2 of the job $1, as long as its lease holds
-- (session $3, nonce $4): its result $7 and the seconds $8 that it took. A wait that it ends is
-- over. What another attempt recorded first stays, and is the answer.
--
-- Without a lock on the hot row, as in checkpoint_save.sql. Two attempts that record at the same
-- time meet in the primary key.
with held as materialized (
    select job_id, attempt
    from ordinaut.due_work
    where job_id = $1::uuid and attempt = $2::integer and session = $3::bigint and nonce = $4::integer
), recorded as (
    insert into ordinaut.step (job_id, name, attempt, kind, result, began_at)
    select job_id, $5::text, attempt, $6::text, $7::text::jsonb, clock_timestamp() - make_interval(secs => $8::float8)
    from held
    on conflict (job_id, name) do nothing
    returning name
), over as (
    delete from ordinaut.wait
    where job_id = any(array(select job_id from held)) and name = $5::text
)
select case when exists (select from recorded) then 'recorded'
            when exists (select from held) then 'there'
            else 'lost' end
