-- Record what tasks ($1) have become due by: an instant ($2), or an event ($6, of the topic $7);
-- with the job that each makes ($3, to run at $4, with arguments of its own if $8), or with the
-- reason why it makes none ($5).
--
-- A concurrency key is a limit of one job at a time, which concerns the task's jobs by their flag.
-- A service is meant to run for good: if it does not say otherwise, with as many attempts and as
-- much time as there may be. The primary keys are what makes an instant and an event unique: one
-- that is there already makes no job.
with requested as materialized (
    select *
    from unnest($1::uuid[], $2::timestamptz[], $3::uuid[], $4::timestamptz[], $5::text[], $6::text[], $7::text[], $8::text[])
        as a(task_id, scheduled_for, job_id, run_at, skipped, event_id, topic, args)
), instant as (
    insert into ordinaut.fire (task_id, scheduled_for, job_id, skipped)
    select task_id, scheduled_for, job_id, skipped
    from requested
    where event_id is null
    on conflict (task_id, scheduled_for) do nothing
    returning job_id
), event as (
    insert into ordinaut.event_fire (task_id, event_id, topic, job_id, skipped)
    select task_id, event_id, topic, job_id, skipped
    from requested
    where event_id is not null
    on conflict (task_id, event_id) do nothing
    returning job_id
), recorded as (
    select job_id from instant union all select job_id from event
), made as materialized (
    select requested.*, task.definition, task.kind, task.queue, task.concurrency_key, task.schedule_kind = 'service' as service
    from recorded
    join requested using (job_id)
    join ordinaut.task on task.id = requested.task_id
), new as materialized (
    select job_id as id, kind, queue, coalesce(args::jsonb, definition -> 'args') as args,
           (definition ->> 'priority')::smallint as priority,
           coalesce((definition ->> 'max_retries')::integer + 1, case when service then 32767 end)::smallint as max_attempts,
           coalesce(make_interval(secs => (definition ->> 'timeout')::float8), case when service then interval '365 d' end) as timeout,
           array(select jsonb_array_elements_text(definition -> 'tags')) as tags, nullif(definition -> 'backoff', 'null') as backoff,
           task_id, definition ->> 'tenant' as tenant, null::text as trace_context, scheduled_for, null::bytea as unique_key,
           null::interval as unique_after_end, null::uuid as batch_id, run_at as due,
           nullif(definition -> 'placement', 'null') as placement,
           (case when concurrency_key is null then 0 else ordinaut.flag_task_limited() end
               | case when nullif(definition -> 'placement', 'null') is null then 0 else ordinaut.flag_placed() end)::smallint as flags,
           null::text as park_reason, null::text as park_key
    from made
), {{enqueued}}, limited as (
    select from made where concurrency_key is not null
), {{implied}}, listed as (
    insert into ordinaut.task_job (task_id, job_id, concurrency_key) select task_id, job_id, concurrency_key from made
)
select job_id, queue from made
