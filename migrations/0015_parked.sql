-- Jobs that cannot run now for a reason that can end: out of the claims' way. Who ends the reason inserts them into
-- due_work anew, at the present.
create table parked (
    job_id    uuid        primary key,
    run_at    timestamptz not null,
    priority  smallint    not null,
    attempt   integer     not null,
    failures  smallint    not null,
    flags     smallint    not null,
    queue     text        collate "C" not null,
    kind      text        collate "C" not null,
    reason    text        collate "C" not null check (reason in ('task_paused', 'concurrency_key')),
    key       text        not null,                        -- the task, or the concurrency key
    parked_at timestamptz not null default clock_timestamp()
);

create index parked_reason on parked (reason, key, parked_at);

create or replace view job_state as
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
       coalesce(due_work.flags & 1 = 1, false) as cancel_asked
from job
left join due_work on due_work.job_id = job.id
left join parked on parked.job_id = job.id
left join dead_letter on dead_letter.job_id = job.id
left join lateral (
    select outcome, attempt from run where run.job_id = job.id order by attempt desc limit 1
) last_run on true;

alter table outbox drop constraint outbox_type_check;
alter table outbox add constraint outbox_type_check check (type in
    ('enqueued', 'leased', 'given_back', 'run_now', 'requeued', 'parked', 'unparked',
     'succeeded', 'failed', 'snoozed', 'cancelled', 'dead', 'lost', 'released'));

-- Ids do not compress, and trying costs as much as writing them.
alter table outbox alter column job_ids set storage external;
alter table event alter column job_ids set storage external;

update schema_version set version = 15;
