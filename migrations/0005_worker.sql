-- One row for each session: one life of a worker process. Leases point here, so that renewing this row renews
-- them all. A session that ended never comes back.
create table worker (
    session      bigint      primary key check (session > 0),
    name         text        not null,
    host         text        not null,
    pid          integer     not null,
    version      text        not null,
    queues       text[]      not null,
    kinds        text[]      not null,
    concurrency  integer     not null,
    max_attempts smallint    not null,                     -- for jobs that name none, when this session is dead and they are rescued
    lease        interval    not null,
    started_at   timestamptz not null default clock_timestamp(),
    renewed_at   timestamptz not null default clock_timestamp(),
    expires_at   timestamptz not null,
    ended_at     timestamptz,
    running      integer     not null default 0,
    waiting      boolean     not null default false,       -- idle for a while: an enqueue in somebody's transaction wakes it
    finished     jsonb       not null default '{}',        -- {queue: {outcome: count}} since the session began
    cancel_asked uuid[]      not null default '{}'         -- jobs of this session that were asked to stop; emptied when read
) with (fillfactor = 20);                                  -- renewed for as long as the process lives: keep it heap-only

-- Ends of attempts that no living session counts: those of sessions whose rows were pruned, and those that
-- ended without one. Appended, so that nobody waits; folded by the scheduler. Their sum never falls.
create table outcome_count (
    queue   text   collate "C" not null,
    outcome text   collate "C" not null,
    ended   bigint not null check (ended > 0)
);
