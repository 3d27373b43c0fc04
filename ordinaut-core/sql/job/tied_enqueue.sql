-- Insert jobs that are tied to others, in the caller's transaction: members of batches and their
-- callbacks ($18 batch), and jobs that come after others ($22 child, $23 parent, $24 policy). Those
-- with a reason ($19, with the key $20) are parked. A job may be unique as well ($14 to $17): see
-- unique_enqueue.sql. Those that say what they require of their worker ($27) are set apart after
-- this: placement/set_apart_of.sql.
--
-- The end of a member, and of those in $21, which jobs of the same transaction come after, is
-- followed from the start. Of the children in $25 some parents are followed by nobody yet: the fold
-- does it after the commit, because following a job locks its row for a moment, and a transaction
-- of the caller's may stay open for long.
with requested as materialized (
    select id, kind, queue, args, priority, max_attempts, timeout, tags, backoff, tenant, mode, after_end, batch_id, reason,
           park_key, trace_context, placement::jsonb, n, case when key is not null then ordinaut.unique_key_hash(key, period) end as key,
           coalesce(run_at, clock_timestamp() + make_interval(secs => delay)) as scheduled_for
    from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::smallint[], $6::smallint[], $7::float8[], $8::text[],
                $9::timestamptz[], $10::float8[], $12::text[], $13::text[], $14::text[], $15::float8[], $16::float8[], $17::text[],
                $18::uuid[], $19::text[], $20::text[], $26::text[], $27::text[])
        with ordinality
        as a(id, kind, queue, args, priority, max_attempts, timeout, tags, run_at, delay, backoff, tenant, key, period,
             after_end, mode, batch_id, reason, park_key, trace_context, placement, n)
), in_order as materialized (
    select * from requested order by n
), held as materialized (
    select in_order.*, answer.holder, answer.due, answer.behind
    from in_order
    left join lateral (
        select holder, due, behind
        from ordinaut.hold_key(in_order.key, in_order.id, make_interval(secs => in_order.after_end), in_order.mode)
        where in_order.key is not null
        offset 0
    ) answer on true
), new as materialized (
    select id, kind, queue, args::jsonb, priority, max_attempts, make_interval(secs => timeout) as timeout, tags::text[],
           backoff::jsonb, null::uuid as task_id, tenant, trace_context, scheduled_for, key as unique_key,
           case when key is not null then make_interval(secs => after_end) end as unique_after_end, batch_id, placement,
           greatest(coalesce(due, scheduled_for), clock_timestamp()) as due,
           (case when key is null or mode in ('until_started', 'run_again') then 0 else ordinaut.flag_unique() end
               | case when id = any($21::uuid[]) or (batch_id is not null and reason is distinct from 'batch')
                      then ordinaut.flag_followed() else 0 end
               | case when placement is null then 0 else ordinaut.flag_placed() end)::smallint as flags,
           coalesce(reason, case when behind is not null then 'run_again' end) as park_reason,
           coalesce(park_key, behind::text) as park_key
    from held
    where key is null or holder = id
), {{enqueued}}, to_wait_for as (
    insert into ordinaut.dependency (child_id, parent_id, policy)
    select child_id, parent_id, policy
    from unnest($22::uuid[], $23::uuid[], $24::text[]) as e(child_id, parent_id, policy)
    where child_id in (select id from new)
), to_follow as (
    insert into ordinaut.followed_end (job_id, outcome) select id, 'follow' from new where id = any($25::uuid[])
), woken as (
    -- As in unique_enqueue.sql.
    select count(pg_notify($11::text, queue))
    from ordinaut.worker cross join unnest(worker.queues) as queue
    where $11::text is not null and waiting and ended_at is null and queue = any($3::text[])
)
select id, coalesce(holder, id) from held cross join woken
