-- Out of the claims' way. Whatever ends the reason inserts the job into due_work anew, at the
-- present.
create table parked (
    job_id      uuid        primary key,
    run_at      timestamptz not null,
    priority    smallint    not null,
    attempt     integer     not null,
    failures    smallint    not null,
    flags       smallint    not null,
    queue       text        collate "C" not null,
    kind        text        collate "C" not null,
    reason      text        collate "C" not null check (reason in ('task_paused', 'limit', 'run_again')),
    key         text        not null,
    parked_at   timestamptz not null default clock_timestamp(),
    ordered_key text,
    line        text
);

create index parked_reason on parked (reason, key, parked_at);

-- Jobs that are set aside wait too, and expire.
create index parked_queue on parked (queue, run_at);

-- The jobs of a line in the order of the claim, and those of an ordered limit over all of its
-- lines.
create index parked_line on parked (key, priority, run_at, job_id) where reason = 'limit';
create index parked_ordered_key on parked (ordered_key, priority, run_at, job_id) where ordered_key is not null;

comment on table parked is
    'Jobs that cannot run now for a reason that can end: a row of due_work without a lease, and the reason.';
comment on column parked.flags is 'As in due_work. Here: 2 flag_suspect(), 8 flag_unique(), 16 flag_lost_once(), 32 flag_task_limited().';
comment on column parked.reason is
    'task_paused, limit (no room, also of a limit that its task implies), run_again (the job before it runs).';
comment on column parked.key is
    'What it waits for, by reason: id of the task; key of the line of jobs that the same limits concern under the same keys (line_key()); id of the job before it.';
comment on column parked.ordered_key is 'The ordered limit that concerns the job, and its key there; null: none does.';
comment on column parked.line is 'The text of the line where key is only its hash, because it is too long for an index; else null.';

update schema_version set version = 9;
