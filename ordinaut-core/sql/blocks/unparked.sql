-- Jobs that were set aside wait again, each as a new row at the present or later, because nothing
-- becomes free in place. The statement has removed their rows from parked, and names them in
-- "unparked".
new_work as (
    insert into ordinaut.due_work (run_at, job_id, priority, attempt, failures, flags, queue, kind)
    select greatest(run_at, clock_timestamp()), job_id, priority, attempt, failures, flags, queue, kind
    from unparked
), unparked_outbox_rows as (
    insert into ordinaut.outbox (type, queue, kind, job_ids, attempts)
    select 'unparked', queue, kind, array_agg(job_id), array_agg(attempt)
    from unparked
    group by queue, kind
)
