-- Set up to $1 jobs apart that came back to due_work, are due, and say what they require of their
-- worker: those that were tried and wait again, and those that were set aside for another reason.
-- The index that they are found by has no other rows.
with due as materialized (
    select job_id
    from ordinaut.due_work
    where flags & ordinaut.flag_placed() <> 0 and session is null and run_at <= statement_timestamp()
    order by run_at, job_id
    limit $1::bigint
    for update skip locked
)
select ordinaut.set_apart(array(select job_id from due))
