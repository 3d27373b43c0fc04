-- The number of jobs that run and are stalled. Those that have ended since are looked up by key.
select count(*)
from ordinaut.progress
cross join lateral (
    select job_id
    from ordinaut.due_work
    where due_work.job_id = progress.job_id and due_work.attempt = progress.attempt and session is not null
    offset 0
) work
where stalled_at is not null
