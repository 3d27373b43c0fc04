-- Let $1 seconds pass for whatever waits for its time. Nothing becomes free in place, and nothing
-- is due before the present: workers' floors have passed that. What comes due together keeps its
-- order. Tasks keep their instants: how far their clock is ahead stands among the facts.
with waiting as (
    delete from ordinaut.due_work
    where session is null and run_at > clock_timestamp()
    returning *
), new_work as (
    insert into ordinaut.due_work (run_at, job_id, priority, attempt, failures, flags, queue, kind)
    select greatest(run_at - make_interval(secs => $1::float8), clock_timestamp()), job_id, priority, attempt, failures,
           flags, queue, kind
    from waiting
    order by run_at, job_id
), moved_parked as (
    update ordinaut.parked set run_at = run_at - make_interval(secs => $1::float8)
)
insert into ordinaut.fact (name, value)
values ('testing: seconds ahead', $1::float8)
on conflict (name) do update set value = fact.value + excluded.value
