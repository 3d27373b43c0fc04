-- The state of a job, derived: no column says it, so no column can be wrong.
create view job_state as
select job.id as job_id,
       case
           when due_work.session is not null then 'running'
           when due_work.run_at > now() then 'scheduled'
           when due_work.job_id is not null then 'waiting'
           when parked.job_id is not null then 'parked'
           when dead_letter.job_id is not null then 'dead'
           when last_run.outcome in ('succeeded', 'dead') then last_run.outcome
           else 'cancelled'                                -- also a row of due_work that somebody deleted by hand
       end as state,
       coalesce(due_work.attempt, parked.attempt, last_run.attempt, 0) as attempt,
       coalesce(due_work.failures, parked.failures, dead_letter.failures) as failures,
       coalesce(due_work.run_at, parked.run_at) as run_at,
       due_work.session,
       coalesce(due_work.flags & 1 = 1, false) as cancel_asked,  -- 1 is flag_cancel_asked()
       job.kind,
       job.queue
from job
left join due_work on due_work.job_id = job.id
left join parked on parked.job_id = job.id
left join dead_letter on dead_letter.job_id = job.id
left join lateral (
    select outcome, attempt from run where run.job_id = job.id order by attempt desc limit 1
) last_run on true;

comment on view job_state is
    'The state of each job that is kept: scheduled, waiting, running, parked, succeeded, cancelled or dead. Ask it for a job_id, a queue or a kind: all of it reads all of job.';
comment on column job_state.attempt is 'The attempt that runs, or that ran last; 0: none has begun.';
comment on column job_state.failures is 'Attempts that counted against max_attempts; null: the job has ended.';
comment on column job_state.run_at is 'Not before this instant; null: the job has ended.';
comment on column job_state.session is 'The session of the worker that runs it.';
comment on column job_state.cancel_asked is 'It runs, and its worker was asked to stop it.';

update schema_version set version = 19;
