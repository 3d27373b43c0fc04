-- Count the jobs that run already and that the limit $1 concerns, as if they had been let in under
-- it.
with running as (
    update ordinaut.due_work
    set flags = flags | ordinaut.flag_limited()
    from ordinaut.job cross join lateral ordinaut.limits_of(job.queue, job.kind, job.args, job.tenant) as concerned
    where job.id = any(array[due_work.job_id]) and due_work.session is not null and concerned.name = $1::text
    returning concerned.*, due_work.job_id, due_work.session
)
insert into ordinaut.limit_slot (name, key, job_id, weight, session, ordered)
select name, key, job_id, weight, session, ordered from running
