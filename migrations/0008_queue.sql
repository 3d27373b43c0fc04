-- An enqueue of the library never touches this table.
create table queue (
    name            text        collate "C" primary key check (length(name) between 1 and 100),
    created_at      timestamptz not null default clock_timestamp(),
    paused_at       timestamptz,
    paused_by       text,
    paused_reason   text,
    max_waiting     integer     check (max_waiting > 0),
    max_age         interval    check (max_age > interval '0'),
    retention       interval    check (retention > interval '0'),
    -- Not called `level`: statements have a column of that name beside this table, which would be
    -- ambiguous.
    announced_level text        collate "C" not null default 'normal' check (announced_level in
        ('normal', 'minor', 'major', 'critical'))
);

-- What a claim asks once, and nearly always nothing is in it.
create index queue_paused on queue (name) where paused_at is not null;
create index queue_max_age on queue (name) where max_age is not null;

-- What the scheduler looks at each second, and mostly nothing is in it. A queue whose bound was
-- taken away is in it until its level is normal again.
create index queue_level on queue (name) where max_waiting is not null or announced_level <> 'normal';

comment on table queue is
    'Queues that a worker has served, so that one with no work and no worker is still listed, and what operators say about them. The queue * stands for all.';
comment on column queue.paused_at is 'Since when nobody claims from it; null: it is not paused.';
comment on column queue.max_waiting is 'Enqueues over HTTP are refused beyond this many waiting jobs; null: never.';
comment on column queue.max_age is 'A job that has waited for longer is cancelled; null: never.';
comment on column queue.retention is 'Time for which what ended is kept, if shorter than the setting; null: as the setting says.';
comment on column queue.announced_level is
    'How full a queue with max_waiting was, as the last event about it told. Only work over HTTP asks for it.';

update schema_version set version = 8;
