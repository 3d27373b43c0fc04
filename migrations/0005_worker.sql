create table worker (
    session      bigint      primary key check (session > 0),
    name         text        not null,
    host         text        not null,
    pid          integer     not null,
    version      text        not null,
    queues       text[]      not null,
    kinds        text[]      not null,
    concurrency  integer     not null,
    max_attempts smallint    not null,
    lease        interval    not null,
    started_at   timestamptz not null default clock_timestamp(),
    renewed_at   timestamptz not null default clock_timestamp(),
    expires_at   timestamptz not null,
    ended_at     timestamptz,
    running      integer     not null default 0,
    waiting      boolean     not null default false,
    finished     jsonb       not null default '{}',
    cancel_asked uuid[]      not null default '{}'
) with (fillfactor = 20);                                  -- renewed for as long as the process lives: keep it heap-only

comment on table worker is
    'Sessions: one life of a worker process each. Leases point here, so that renewing one row renews all of them. A session that ended never comes back.';
comment on column worker.session is 'A random number, because a sequence may repeat after a failover.';
comment on column worker.max_attempts is
    'For jobs that name none, when this session is dead and its jobs are rescued.';
comment on column worker.lease is 'Time after which the session is taken for dead if it is not renewed.';
comment on column worker.ended_at is 'When it ended in order or was declared dead; null: it lives.';
comment on column worker.running is 'Jobs that it ran at its last renewal.';
comment on column worker.waiting is 'It has been idle for a while: an enqueue wakes it.';
comment on column worker.finished is 'Ends of attempts since the session began: {queue: {outcome: count}}.';
comment on column worker.cancel_asked is 'Jobs of this session that were asked to stop; emptied when the worker has read it.';

update schema_version set version = 5;
