-- The state of a job, derived: no column says it, so no column can be wrong.
create view job_state as
select job.id as job_id,
       case
           when due_work.session is not null then 'running'
           when due_work.run_at > now() then 'scheduled'
           when due_work.job_id is not null then 'waiting'
           when dead_letter.job_id is not null then 'dead'
           when last_run.outcome in ('succeeded', 'dead') then last_run.outcome
           else 'cancelled'                                -- also a row of due_work that somebody deleted by hand
       end as state,
       coalesce(due_work.attempt, last_run.attempt, 0) as attempt,
       coalesce(due_work.failures, dead_letter.failures) as failures,
       due_work.run_at,
       due_work.session,
       coalesce(due_work.flags & 1 = 1, false) as cancel_asked
from job
left join due_work on due_work.job_id = job.id
left join dead_letter on dead_letter.job_id = job.id
left join lateral (
    select outcome, attempt from run where run.job_id = job.id order by attempt desc limit 1
) last_run on true;
