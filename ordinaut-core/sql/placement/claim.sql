-- Lease up to $5 due jobs from the lines of the demands $3, of the queues $4, to the session $1
-- under the nonce $2; suspects only, or none of them ($6: flag_suspect() or 0). Those that a limit
-- concerns wait for room instead: sql/placement/sift.sql. Of the kinds $8 only jobs whose
-- place is from $9 to $10: the part of this version. Arguments of more than $7 bytes are left out.
-- As a claim of all others (lease/claim.sql) it need not be durable. The reason is compared as it
-- stands in the index, which has no other rows.
with at as materialized (
    select statement_timestamp() as at, set_config('synchronous_commit', 'off', true)
), chosen as materialized (
    select free.place
    from unnest($3::text[]) as demand(id) cross join unnest($4::text[]) as served(queue) cross join lateral (
        select ctid as place, priority, run_at, job_id
        from ordinaut.parked
        where reason = 'placed' and key = demand.id and queue = served.queue and run_at <= statement_timestamp()
          and flags & ordinaut.flag_suspect() = $6::smallint and flags & ordinaut.flag_task_limited() = 0
          and (kind <> all($8::text[]) or exists (
              select from unnest($8::text[], $9::integer[], $10::integer[]) as part(kind, lowest, highest)
              where part.kind = parked.kind and ordinaut.rollout_place(job_id) between lowest and highest))
          and not exists (
              select from ordinaut.job_limit
              where (job_limit.queue is null or job_limit.queue = parked.queue)
                and (job_limit.kind is null or job_limit.kind = parked.kind))
        order by key, queue, priority, run_at, job_id
        limit $5::bigint
        for update skip locked
    ) free
    where not array[served.queue, '*'] && array(select name from ordinaut.queue where paused_at is not null)
    order by free.priority, free.run_at, free.job_id
    limit $5::bigint
), deleted_parked as (
    delete from ordinaut.parked where ctid = any(array(select place from chosen)) returning parked.*
), leased as (
    insert into ordinaut.due_work (run_at, job_id, session, nonce, priority, attempt, failures, flags, queue, kind)
    select run_at, job_id, $1::bigint, $2::integer, priority, attempt + 1, failures, flags, queue, kind
    from deleted_parked
    returning job_id, attempt, failures, flags, run_at, queue, kind, priority, ctid as place
), outbox_rows as (
    insert into ordinaut.outbox (type, queue, kind, job_ids, attempts)
    select 'leased', queue, kind, array_agg(job_id), array_agg(attempt)
    from leased
    group by queue, kind
)
select at.at, leased.*, case when octet_length(job.args) <= $7::integer then job.args end as args, job.max_attempts,
       extract(epoch from job.timeout)::float8 as timeout, job.tags, job.created_at, job.backoff, job.tenant,
       job.scheduled_for, job.stored, job.trace_context
from at cross join leased left join lateral (
    select case when pg_column_size(args) <= $7::integer then args::text end as args, pg_column_size(args) as stored,
           max_attempts, timeout, tags, created_at, backoff, tenant, scheduled_for, trace_context
    from ordinaut.job where job.id = leased.job_id offset 0
) job on true
