-- What was asked for. Written once, never changed: everything that moves is in due_work.
--
-- Partitioned by id, which is a uuid v7 made by the client, so by time of creation. DEFAULT takes what no
-- partition was made for: a client whose clock is wrong must not be refused.
create table job (
    id            uuid        not null primary key,
    kind          text        collate "C" not null check (length(kind) between 1 and 100),
    queue         text        collate "C" not null check (length(queue) between 1 and 100),
    args          jsonb       not null,
    priority      smallint    not null check (priority between 1 and 9),
    max_attempts  smallint    check (max_attempts >= 1),   -- null: the worker that settles it decides
    timeout       interval    check (timeout > interval '0'),
    tags          text[]      not null default '{}',
    task_id       uuid,
    scheduled_for timestamptz,                             -- the instant that was asked for, even if it had passed
    tenant        text,
    trace_context text,
    created_at    timestamptz not null default clock_timestamp()
) partition by range (id);

create table job_default partition of job default;
