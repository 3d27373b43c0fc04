-- What came and ended, counted as it happens by a follower of the log: a graph of a month reads as
-- many rows as it has points, and not the jobs of a month. Minutes are for looking closely; a year
-- of hours is less than a month of them. A row is written again each second for a minute, so pages
-- keep room for its next version.
create table stat (
    step      text        collate "C" not null check (step in ('minute', 'hour')),
    begins    timestamptz not null,
    queue     text        collate "C" not null,
    kind      text        collate "C" not null,
    arrived   bigint      not null,
    ended     bigint      not null,
    succeeded bigint      not null,
    failed    bigint      not null,
    wait      integer[]   not null,
    run       integer[]   not null,
    primary key (step, begins, queue, kind)
) with (fillfactor = 50);

comment on table stat is
    'What came and ended in each minute (kept for 30 days) and each hour (400 days), of each queue and kind. A scheduler counts it from the log of events, a second behind.';
comment on column stat.step is 'The length of time that the row is about: a minute or an hour.';
comment on column stat.begins is 'Where it begins, in UTC.';
comment on column stat.arrived is 'Jobs that were enqueued.';
comment on column stat.ended is 'Attempts that ended, however they did.';
comment on column stat.failed is 'Attempts of these that failed, for the time being or for good, or were lost.';
comment on column stat.wait is
    'Numbers of first attempts by the time that they waited since their jobs were made or scheduled for: below 1 ms, then in steps of the square root of 2. Of many jobs that one statement ended, 32 stand for all.';
comment on column stat.run is 'Numbers of attempts by the time that they ran, as in wait.';

update schema_version set version = 70;
