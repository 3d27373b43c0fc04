-- What is to be done to many jobs: stored, so that a process that dies leaves it to another, and
-- done in batches, each of which moves the cursor in its own transaction.
create table bulk (
    id           uuid        primary key,
    verb         text        collate "C" not null check (verb in
        ('cancel', 'requeue', 'run_now', 'move', 'reprioritise', 'delete')),
    filter       jsonb       not null,
    queue        text        collate "C",
    priority     smallint    check (priority between 1 and 9),
    rate         double precision check (rate > 0),
    created_by   text        not null,
    created_at   timestamptz not null default clock_timestamp(),
    started_at   timestamptz,
    finished_at  timestamptz,
    cancelled_at timestamptz,
    looked       bigint      not null default 0,
    done         bigint      not null default 0,
    skipped      bigint      not null default 0,
    busy         bigint      not null default 0,
    passes       integer     not null default 0,
    after_job    uuid        not null default '00000000-0000-0000-0000-000000000000',
    last_error   text,
    constraint queue_of_a_move check ((verb = 'move') = (queue is not null)),
    constraint priority_of_a_verb check ((verb = 'reprioritise') = (priority is not null))
);

create index bulk_unfinished on bulk (created_at) where finished_at is null;
create index bulk_created_at on bulk (created_at, id);

comment on table bulk is 'Operations on many jobs: what is to be done to which, and how far it is. ordinaut bulk list shows them.';
comment on column bulk.filter is 'Which jobs: queue, kind, tag, task_id, tenant, created_before, as in POST /jobs/cancel.';
comment on column bulk.queue is 'Of a move: the queue to which the jobs go. Null for others.';
comment on column bulk.rate is 'Jobs a second at most; null: as fast as it goes.';
comment on column bulk.looked is 'Jobs of its queue and kind that it has looked at.';
comment on column bulk.done is 'Jobs to which it was done.';
comment on column bulk.skipped is 'Jobs to which it could not be done: they run, or hold a key that another job has taken.';
comment on column bulk.busy is 'Jobs of this pass that somebody held at that moment; they are looked at again in the next pass.';
comment on column bulk.after_job is 'The last job of this pass that it has looked at.';
comment on column bulk.last_error is 'Why the last batch failed; it is tried again.';

update schema_version set version = 63;
