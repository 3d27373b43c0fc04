-- The lines ($2 of them at most) after the line $1, each with its first job, how many wait there ($4 are enough to know), and
-- what each of its limits leaves. $3 is the session that asks.
--
-- Asked under the lock of limits: nobody else lets jobs in meanwhile. Each line is found by a step of its own in the index,
-- however long the one before is.
with recursive step as (
    (select key from ordinaut.parked where reason = 'limit' and key > $1::text order by key limit 1)
    union all
    select (
        select parked.key
        from ordinaut.parked
        where parked.reason = 'limit' and parked.key > step.key
        order by parked.key
        limit 1
    )
    from step
    where step.key is not null
), line as materialized (
    select key, key::jsonb as parts from step where key is not null limit $2::bigint
), member as materialized (
    select line.key as line, job_limit.*, limits.member ->> 1 as at_key, (limits.member ->> 2)::integer as takes,
           case when job_limit.per_process then $3::bigint else 0 end as bucket
    from line
    cross join lateral jsonb_array_elements(line.parts -> 'limits') as limits(member)
    join ordinaut.job_limit on job_limit.name = limits.member ->> 0
)
select statement_timestamp() as at, line.key as line, line.parts ->> 'queue' as queue, line.parts ->> 'kind' as kind,
       (line.parts ->> 'suspect')::boolean as suspect, head.priority, waiting.jobs as waiting,
       member.name, member.at_key, member.takes, member.concurrency, member.rate, member.burst, member.bucket,
       held.weight as held,
       least(member.burst, coalesce(
           left_over.tokens + extract(epoch from statement_timestamp() - left_over.filled_at)::float8 * member.rate,
           member.burst)) as tokens,
       member.ordered, begun.here as begun_here, begun.one as begun, coalesce(earlier.one, false) as earlier
from line
cross join lateral (
    select job_id, priority, run_at, turn
    from ordinaut.parked
    where reason = 'limit' and key = line.key
    order by key, priority, run_at, job_id
    limit 1
) head
cross join lateral (
    select count(*) as jobs
    from (select from ordinaut.parked where reason = 'limit' and key = line.key limit $4::bigint) counted
) waiting
left join member on member.line = line.key
left join lateral (
    select coalesce(sum(limit_slot.weight), 0)::bigint as weight
    from ordinaut.limit_slot
    join ordinaut.due_work on due_work.job_id = limit_slot.job_id and due_work.session is not null
    where limit_slot.name = member.name and limit_slot.key = member.at_key
      and (not member.per_process or limit_slot.session = $3::bigint)
) held on true
left join ordinaut.limit_bucket left_over
    on left_over.name = member.name and left_over.key = member.at_key and left_over.session = member.bucket
left join lateral (
    -- Of an ordered limit: the job that has begun and has not ended, and whether it waits here.
    select true as one, parked.job_id as here
    from ordinaut.limit_slot
    left join ordinaut.parked
        on parked.job_id = limit_slot.job_id and parked.reason = 'limit' and parked.key = line.key
    where member.ordered and limit_slot.name = member.name and limit_slot.key = member.at_key
      and (exists (select from ordinaut.due_work where due_work.job_id = limit_slot.job_id)
        or exists (select from ordinaut.parked other where other.job_id = limit_slot.job_id))
    limit 1
) begun on true
left join lateral (
    -- Of an ordered limit: whether another job comes first, in another line or on its way to one.
    select exists (
        select from ordinaut.parked other
        where other.turn = head.turn
          and (other.priority, other.run_at, other.job_id) < (head.priority, head.run_at, head.job_id)
    ) or exists (
        select
        from ordinaut.due_work
        join ordinaut.job on job.id = due_work.job_id
        where due_work.queue = line.parts ->> 'queue' and due_work.priority = head.priority
          and due_work.session is null
          and (due_work.run_at, due_work.job_id) < (head.run_at, head.job_id)
          and (member.kind is null or member.kind = due_work.kind)
          and coalesce(ordinaut.limit_key(job.args, member.key), '') = member.at_key
    ) as one
    where member.ordered and begun.one is null
) earlier on true
order by line.key, member.name
