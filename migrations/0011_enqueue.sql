-- Enqueue from plain SQL, in the caller's transaction: for triggers and for other languages. The library's own
-- statement is ordinaut-core/sql/jobs/enqueue.sql; a test holds that both write the same rows.
create function enqueue(
    kind         text,
    args         jsonb       default '{}',
    queue        text        default 'default',
    priority     integer     default 5,
    run_at       timestamptz default null,
    delay        interval    default null,
    max_attempts integer     default null,
    timeout      interval    default null,
    tags         text[]      default '{}'
) returns uuid
    language sql volatile
    set search_path from current
as $$
    with asked as materialized (
        select uuid_v7() as id,
               coalesce(enqueue.run_at, clock_timestamp() + enqueue.delay) as scheduled_for
    ), new_job as (
        insert into job (id, kind, queue, args, priority, max_attempts, timeout, tags, scheduled_for)
        select asked.id, enqueue.kind, enqueue.queue, enqueue.args, enqueue.priority::smallint,
               enqueue.max_attempts::smallint, enqueue.timeout, enqueue.tags, asked.scheduled_for
        from asked
    ), new_work as (
        insert into due_work (run_at, job_id, priority, queue, kind)
        select greatest(coalesce(asked.scheduled_for, clock_timestamp()), clock_timestamp()), asked.id,
               enqueue.priority::smallint, enqueue.queue, enqueue.kind
        from asked
    ), told as (
        insert into outbox (type, queue, kind, job_ids, attempts)
        select 'enqueued', enqueue.queue, enqueue.kind, array[asked.id], '{0}'
        from asked
    )
    select asked.id
    from asked
    left join lateral (
        -- Within the commit it holds a lock that all producers share, so that only a worker that waits is woken.
        select pg_notify(current_schema(), enqueue.queue)
        where exists (
            select from worker where waiting and ended_at is null and enqueue.queue = any(queues)
        )
    ) woken on true
$$;

update schema_version set version = 11;
