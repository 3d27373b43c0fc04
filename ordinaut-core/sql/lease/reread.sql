-- Leases that were given out before ($1 job, $2 attempt, $3 session, $4 nonce), as claim.sql tells
-- them, those that still hold: their answer was lost, or another process gave them out. Arguments
-- of more than $5 bytes are left out. Each row is looked up by key.
select clock_timestamp() as at, leased.*, case when octet_length(job.args) <= $5::integer then job.args end as args,
       job.max_attempts, extract(epoch from job.timeout)::float8 as timeout, job.tags, job.created_at, job.backoff,
       job.tenant, job.scheduled_for, job.stored, job.trace_context, asked.session, asked.nonce
from unnest($1::uuid[], $2::integer[], $3::bigint[], $4::integer[]) as asked(job_id, attempt, session, nonce)
cross join lateral (
    select job_id, attempt, failures, flags, run_at, queue, kind, priority, ctid as place
    from ordinaut.due_work
    where due_work.job_id = asked.job_id and due_work.attempt = asked.attempt
      and due_work.session = asked.session and due_work.nonce = asked.nonce
    offset 0
) leased
left join lateral (
    select case when pg_column_size(args) <= $5::integer then args::text end as args, pg_column_size(args) as stored,
           max_attempts, timeout, tags, created_at, backoff, tenant, scheduled_for, trace_context
    from ordinaut.job where job.id = leased.job_id offset 0
) job on true
