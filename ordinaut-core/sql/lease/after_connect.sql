-- Since when this Postgres takes writes, what time it is there, and which of the leases ($1 job, $2
-- attempt, $3 session, $4 nonce) it does not know: claims are not durable, and a restart or
-- promotion may have lost some whose handlers run.
select ordinaut.takes_writes_since() as writable_since, clock_timestamp() as now, array(
    select held.job_id
    from unnest($1::uuid[], $2::integer[], $3::bigint[], $4::integer[]) as held(job_id, attempt, session, nonce)
    where not exists (
        select from ordinaut.due_work
        where due_work.job_id = held.job_id and due_work.attempt = held.attempt
          and due_work.session = held.session and due_work.nonce = held.nonce
        offset 0
    )
) as missing
