-- Keep how far the attempt $2 of the job $1 has come ($5), as long as its lease holds (session $3,
-- nonce $4).
--
-- Without a lock on the hot row: a lease that ends at the same time may let this one write through,
-- of what was done under the lease, and a newer attempt's own is never overwritten.
with held as (
    select job_id, attempt
    from ordinaut.due_work
    where job_id = $1::uuid and attempt = $2::integer and session = $3::bigint and nonce = $4::integer
)
insert into ordinaut.checkpoint (job_id, attempt, state)
select job_id, attempt, $5::text::jsonb
from held
on conflict (job_id) do update
set attempt = excluded.attempt, state = excluded.state, saved_at = excluded.saved_at
where checkpoint.attempt <= excluded.attempt
