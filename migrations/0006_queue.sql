-- The queues that somebody has served, so that one with no work and no worker is still listed. An enqueue
-- never touches it.
create table queue (
    name       text        collate "C" primary key check (length(name) between 1 and 100),
    created_at timestamptz not null default clock_timestamp()
);
