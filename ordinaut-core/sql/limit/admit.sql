-- Let jobs in: the first $2 of each line $1 (or the one job $3 of it) are leased to the session $4
-- under the nonce $5, and take room of their limits; what is left of rates ($6 limit, $7 key, $8
-- session) was $9 at $10. A wait of $11 seconds is worth a level of priority (null: nothing is).
-- Arguments of more than $12 bytes are left out, as in claim.sql. Of the kinds $13 only jobs whose
-- place is from $14 to $15 are let in.
--
-- "= any(array[…])" and "offset 0" keep each look-up one by key, whatever the statistics were when
-- this was planned. The reason is compared as an expression, so that no plan reads all lines by the
-- index that is for this reason alone.
--
-- It is durable, as claims are not: a lease that was lost would run beside the one that follows.
with allowed as (
    select * from unnest($1::text[], $2::bigint[], $3::uuid[]) as a(line, jobs, job_id)
), chosen as materialized (
    select first.job_id
    from allowed
    cross join lateral ordinaut.first_of_line(
        allowed.line, allowed.jobs, make_interval(secs => $11::float8)
    ) as first
    where allowed.job_id is null
    union all
    select job_id from allowed where job_id is not null
), deleted_parked as (
    delete from ordinaut.parked
    using chosen
    where parked.job_id = any(array[chosen.job_id]) and coalesce(parked.reason, '') = 'limit'
      and (kind <> all($13::text[]) or exists (
          select from unnest($13::text[], $14::integer[], $15::integer[]) as part(kind, lowest, highest)
          where part.kind = parked.kind and ordinaut.rollout_place(parked.job_id) between lowest and highest))
    returning parked.*
), leased as (
    insert into ordinaut.due_work (run_at, job_id, session, nonce, priority, attempt, failures, flags, queue, kind)
    select run_at, job_id, $4::bigint, $5::integer, priority, attempt + 1, failures, flags | ordinaut.flag_limited(), queue, kind
    from deleted_parked
    returning job_id, attempt, failures, flags, run_at, queue, kind, priority, ctid as place
), slot as (
    insert into ordinaut.limit_slot (name, key, job_id, weight, session, ordered)
    select job_limit.name, limits.member ->> 1, deleted_parked.job_id, (limits.member ->> 2)::integer, $4::bigint, job_limit.ordered
    from deleted_parked
    cross join lateral jsonb_array_elements(coalesce(deleted_parked.line, deleted_parked.key)::jsonb -> 'limits') as limits(member)
    join ordinaut.job_limit on job_limit.name = limits.member ->> 0
    on conflict (name, key, job_id) do update set session = excluded.session
), rates as (
    insert into ordinaut.limit_bucket (name, key, session, tokens, filled_at)
    select name, key, session, tokens, $10::timestamptz
    from unnest($6::text[], $7::text[], $8::bigint[], $9::float8[]) as b(name, key, session, tokens)
    on conflict (name, key, session) do update set tokens = excluded.tokens, filled_at = excluded.filled_at
), outbox_rows as (
    insert into ordinaut.outbox (type, queue, kind, job_ids, attempts)
    select 'leased', queue, kind, array_agg(job_id), array_agg(attempt)
    from leased
    group by queue, kind
)
select clock_timestamp() as at, leased.*,
       case when octet_length(job.args) <= $12::integer then job.args end as args, job.max_attempts,
       extract(epoch from job.timeout)::float8 as timeout, job.tags, job.created_at, job.backoff, job.tenant,
       job.scheduled_for, job.stored, job.trace_context
from leased
left join lateral (
    select case when pg_column_size(args) <= $12::integer then args::text end as args, pg_column_size(args) as stored,
           max_attempts, timeout, tags, created_at, backoff, tenant, scheduled_for, trace_context
    from ordinaut.job
    where job.id = leased.job_id
    offset 0
) job on true
