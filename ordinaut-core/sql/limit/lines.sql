-- The lines ($2 of them at most) after the line $1, each with its first job, how many wait there
-- ($4 are enough to know), and what each of its limits leaves. $3 is the session that asks; a wait
-- of $5 seconds is worth a level of priority (null: nothing is). Lines of jobs that say what they
-- require of their worker are told to one that satisfies that ($6 the demands).
--
-- Asked under the lock of limits: nobody else lets jobs in now. Each line is found by a step of its
-- own, however long the last is.
with recursive step as (
    (select key from ordinaut.parked where reason = 'limit' and key > $1::text order by key limit 1)
    union all
    select (select min(key) from ordinaut.parked where reason = 'limit' and key > step.key)
    from step
    where step.key is not null
), line as materialized (
    select step.key, said.parts
    from step
    cross join lateral (
        -- What is too long for an index is beside its hash, in each of the jobs.
        select case when step.key like '#%' then (
                   select parked.line from ordinaut.parked where reason = 'limit' and parked.key = step.key limit 1
               ) else step.key end::jsonb as parts
        offset 0
    ) said
    where step.key is not null
      and not array[parts ->> 'queue', '*'] && array(select name from ordinaut.queue where paused_at is not null)
      and (parts ->> 'demand' is null or parts ->> 'demand' = any($6::text[]))
    limit $2::bigint
), member as materialized (
    select line.key as line, job_limit.*, limits.member ->> 1 as at_key, (limits.member ->> 2)::integer as takes,
           case when job_limit.per_process then $3::bigint end as one_session
    from line
    cross join lateral jsonb_array_elements(line.parts -> 'limits') as limits(member)
    join ordinaut.job_limit on job_limit.name = limits.member ->> 0
)
select statement_timestamp() as at, line.key as line, line.parts ->> 'queue' as queue, line.parts ->> 'kind' as kind,
       (line.parts ->> 'suspect')::boolean as suspect, head.priority, head.run_at,
       (select count(*)
        from (select from ordinaut.parked where reason = 'limit' and key = line.key limit $4::bigint) counted) as waiting,
       member.name, member.at_key, member.takes, member.rate, member.burst,
       room.concurrency, coalesce(member.one_session, 0) as bucket, room.held,
       -- A bucket that was filled later than one span from now says that the clock went back: it is
       -- as one without a row.
       least(member.burst, coalesce(
           case when left_over.filled_at <= statement_timestamp() + make_interval(secs => member.burst / member.rate)
               then left_over.tokens + extract(epoch from statement_timestamp() - left_over.filled_at)::float8 * member.rate
           end,
           member.burst)) as tokens,
       member.ordered, member.per_tenant, turn.begun, turn.begun_here, turn.another_first
from line
cross join lateral ordinaut.first_of_line(line.key, 1, make_interval(secs => $5::float8)) as head
left join member on member.line = line.key
left join {{limit_room}} room on true
left join lateral (
    select tokens, filled_at
    from ordinaut.limit_bucket
    where limit_bucket.name = member.name and limit_bucket.key = member.at_key
      and limit_bucket.session = coalesce(member.one_session, 0)
    offset 0
) left_over on true
left join lateral (
    -- As a condition of the join it would be asked about each limit first.
    select found.*
    from ordinaut.limit_turn(
        member.name, member.at_key, line.key, head.ordered_key, head.queue, head.priority, head.run_at, head.job_id
    ) as found
    where member.ordered offset 0
) turn on true
order by line.key, member.name
