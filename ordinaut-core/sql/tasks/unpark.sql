-- Let the jobs wait again that the pause of the task $1 had set aside. Those of a task with a concurrency key stay parked,
-- for that reason now: another task's job may work under the key, and next_in_line.sql decides.
with resumed as (
    select id, concurrency_key from ordinaut.task where id = $1::uuid
), in_line as (
    update ordinaut.parked
    set reason = 'concurrency_key', key = resumed.concurrency_key
    from resumed
    where parked.reason = 'task_paused' and parked.key = resumed.id::text and resumed.concurrency_key is not null
), gone as (
    delete from ordinaut.parked
    using resumed
    where parked.reason = 'task_paused' and parked.key = resumed.id::text and resumed.concurrency_key is null
    returning parked.*
), again as (
    insert into ordinaut.due_work (run_at, job_id, priority, attempt, failures, flags, queue, kind)
    select greatest(run_at, clock_timestamp()), job_id, priority, attempt, failures, flags, queue, kind
    from gone
), told as (
    insert into ordinaut.outbox (type, queue, kind, job_ids, attempts)
    select 'unparked', queue, kind, array_agg(job_id), array_agg(attempt)
    from gone
    group by queue, kind
)
select distinct queue from gone
