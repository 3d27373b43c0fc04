-- An end that somebody follows is a row. Whatever ends a job with the flag 64, flag_followed(),
-- inserts it in the same statement, and one transaction at a time (the fold) does what follows from
-- it. Near empty, so that looking costs nothing; jobs that nobody follows never touch it.
create table followed_end (
    id      bigint      generated always as identity primary key,
    job_id  uuid        not null,
    outcome text        collate "C" not null check (outcome in
        ('succeeded', 'cancelled', 'dead', 'requeued', 'follow', 'rest', 'added', 'look', 'stop')),
    n       integer     not null default 0,
    at      timestamptz not null default clock_timestamp()
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0,
        vacuum_truncate = off);

-- Whether members came to a batch is asked before it ends.
create index followed_end_added on followed_end (job_id) where outcome = 'added';

comment on table followed_end is
    'Ends of jobs that others follow, and what else the fold is asked for. It takes rows in their order, does what follows from them, and deletes them, all in one transaction.';
comment on column followed_end.job_id is 'The job; of added, look and stop the batch.';
comment on column followed_end.outcome is
    'succeeded, cancelled, dead: how the job ended. requeued: a dead member of a batch was sent back. follow: the job waits for others that are not followed yet, or somebody held it when it was to go on. rest: more jobs wait for this one than were looked at. added: n members came to a batch. look: see whether the batch has ended. stop: cancel what is left of it.';
comment on column followed_end.n is 'Of added: the number of members.';
comment on column followed_end.at is 'Not to be folded before this instant: a row that somebody else held is put back for a moment.';

-- What waits for what. A child waits in parked, and has a row here for each parent that has not
-- ended yet.
create table dependency (
    child_id  uuid not null,
    parent_id uuid not null,
    policy    text collate "C" not null check (policy in ('cancel', 'run', 'bury')),
    primary key (child_id, parent_id)
);

create index dependency_parent_id on dependency (parent_id);

comment on table dependency is 'Jobs (children) that wait for the ends of others (parents): one row for each end that is still to come.';
comment on column dependency.policy is
    'What becomes of the child when the parent dies or is cancelled: cancel (it is cancelled), run (it runs), bury (it is dead too). The same for all parents of a child.';

alter table parked drop constraint parked_reason_check;
alter table parked add constraint parked_reason_check
    check (reason in ('task_paused', 'limit', 'run_again', 'dependency', 'batch')) not valid;
alter table parked validate constraint parked_reason_check;

comment on column parked.reason is
    'task_paused, limit (no room, also of a limit that its task implies), run_again (the job before it runs), dependency (jobs that it comes after have not ended), batch (it is called when its batch ends).';
comment on column parked.key is
    'What it waits for, by reason: id of the task; key of the line of jobs that the same limits concern under the same keys (line_key()); id of the job before it; empty, because its parents are in dependency; id of the batch.';
comment on column parked.flags is
    'As in due_work. Here: 2 flag_suspect(), 8 flag_unique(), 16 flag_lost_once(), 32 flag_task_limited(), 64 flag_followed().';
comment on column due_work.flags is
    'Bits: 1 flag_cancel_asked(), 2 flag_suspect() (lost twice in its life), 4 flag_limited() (a lease that takes room of limits), 8 flag_unique() (its end frees a unique key), 16 flag_lost_once(), 32 flag_task_limited() (limits that its task implies concern it), 64 flag_followed() (its end is a row of followed_end).';

update schema_version set version = 75;
