-- Send dead jobs ($1) back: same id, attempt goes on, failures start again. The letter's arguments
-- are what runs, as somebody may have mended them there; and its copy restores a job whose own row
-- has been pruned.
--
-- One that had a unique key takes it again, and stays dead if another job holds it, or if the last
-- holder followed a leader, which this snapshot may be too old to see (unique_prune.sql forgets
-- such a key soon). A job of a service stays dead too: the service makes its next one itself. The
-- limits that its task implies, by a concurrency key or by a bound on its jobs, concern the others.
-- A member of a batch is followed again, and its batch counts it back.
-- The task is locked: a fire that counts its jobs comes before this statement, or sees what it
-- wrote.
with candidate as materialized (
    select job_id, unique_key, unique_after_end, task.id as of_task, task.concurrency_key, task.max_instances
    from ordinaut.dead_letter
    left join lateral (
        select id, concurrency_key, max_instances, schedule_kind = 'service' and status <> 'cancelled' as serves
        from ordinaut.task
        where task.id = dead_letter.task_id
        for share
    ) task on true
    where job_id = any($1::uuid[]) and serves is not true
    for update of dead_letter
), taken as (
    insert into ordinaut.unique_key as held (key, job_id, after_end)
    select distinct on (unique_key) unique_key, job_id, unique_after_end
    from candidate
    where unique_key is not null
    order by unique_key
    on conflict (key) do update
    set job_id = excluded.job_id, after_end = excluded.after_end, held_until = null, ends_with_job = true, leader = null
    where (held.held_until <= clock_timestamp() and held.leader is null) or held.job_id = excluded.job_id
    returning job_id
), letter as (
    delete from ordinaut.dead_letter
    using candidate
    where dead_letter.job_id = any(array[candidate.job_id])
      and (candidate.unique_key is null or exists (select from taken where taken.job_id = candidate.job_id))
    returning dead_letter.*, of_task, concurrency_key, max_instances
), listed as (
    insert into ordinaut.task_job (task_id, job_id, concurrency_key)
    select of_task, job_id, concurrency_key from letter where of_task is not null
    on conflict (task_id, job_id) do update set concurrency_key = excluded.concurrency_key
), limited as (
    select from letter where concurrency_key is not null or max_instances is not null
), {{implied}}, restored as (
    insert into ordinaut.job (id, kind, queue, args, priority, max_attempts, timeout, tags, backoff, task_id,
                              scheduled_for, tenant, trace_context, created_at, unique_key, unique_after_end, batch_id, placement)
    select job_id, kind, queue, args, priority, max_attempts, timeout, tags, backoff, task_id, scheduled_for, tenant,
           trace_context, coalesce(created_at, died_at), unique_key, unique_after_end, batch_id, placement
    from letter
    on conflict (id) do update set args = excluded.args where job.args is distinct from excluded.args
), new_work as (
    insert into ordinaut.due_work (run_at, job_id, priority, attempt, queue, kind, flags)
    select clock_timestamp(), job_id, priority, attempt, queue, kind,
           case when unique_key is null then 0 else ordinaut.flag_unique() end
               | case when concurrency_key is null and max_instances is null then 0 else ordinaut.flag_task_limited() end
               | case when batch_id is null then 0 else ordinaut.flag_followed() end
               | case when placement is null then 0 else ordinaut.flag_placed() end
    from letter
), counted_again as (
    insert into ordinaut.followed_end (job_id, outcome) select job_id, 'requeued' from letter where batch_id is not null
), outbox_rows as (
    insert into ordinaut.outbox (type, queue, kind, job_ids, attempts)
    select 'requeued', queue, kind, array_agg(job_id), array_agg(attempt)
    from letter
    group by queue, kind
)
select job_id from letter
