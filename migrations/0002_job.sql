-- DEFAULT takes what no partition was made for: a client whose clock is wrong must not be refused.
create table job (
    id               uuid        not null primary key,
    kind             text        collate "C" not null check (length(kind) between 1 and 100),
    queue            text        collate "C" not null check (length(queue) between 1 and 100),
    args             jsonb       not null,
    priority         smallint    not null check (priority between 1 and 9),
    max_attempts     smallint    check (max_attempts >= 1),
    timeout          interval    check (timeout > interval '0'),
    tags             text[]      not null default '{}',
    task_id          uuid,
    scheduled_for    timestamptz,
    tenant           text,
    trace_context    text,
    created_at       timestamptz not null default clock_timestamp(),
    backoff          jsonb,
    unique_key       bytea,
    unique_after_end interval
) partition by range (id);

-- A job without a task is not in it, and pays nothing for it.
create index job_task_id on job (task_id, id) where task_id is not null;

create table job_default partition of job default;

comment on table job is
    'What was asked for. Written once, never changed: everything that moves is in due_work. Its state: job_state.';
comment on column job.id is 'A uuid v7 made by the client: partitions by id are partitions by time of creation.';
comment on column job.args is 'Arguments for the handler; ciphertext for a kind that is encrypted.';
comment on column job.priority is '1 is the most urgent, 9 the least.';
comment on column job.max_attempts is 'Null: the worker that settles the job decides.';
comment on column job.timeout is 'Time that one attempt may take; null: the worker decides.';
comment on column job.task_id is 'The task that made the job; null: nothing did but an enqueue.';
comment on column job.scheduled_for is 'The instant that was asked for, even if it had passed; null: at once.';
comment on column job.tenant is 'Whose job it is, for limits that each tenant has for itself.';
comment on column job.trace_context is 'W3C traceparent of the enqueue, so that the attempt continues its trace.';
comment on column job.backoff is
    'The job''s own delays between attempts, such as {"kind": "exponential", "base": 1, "cap": 60}, in seconds. Null: the handler or the worker decides.';
comment on column job.unique_key is 'Hash of its unique key, which a requeue takes again; null: the job has none.';
comment on column job.unique_after_end is 'Time for which the key stays held after the job has ended.';

update schema_version set version = 2;
