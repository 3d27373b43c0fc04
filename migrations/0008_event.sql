-- Told in the transaction of the change: a row for each kind of change, queue and kind of job that one
-- statement made, with the jobs as arrays, so that a batch of 500 costs one row and not 500.
create table outbox (
    id       bigint      generated always as identity primary key,
    at       timestamptz not null default clock_timestamp(),
    type     text        collate "C" not null check (type in
        ('enqueued', 'leased', 'given_back', 'run_now', 'requeued',
         'succeeded', 'failed', 'snoozed', 'cancelled', 'dead', 'lost', 'released')),
    queue    text        collate "C" not null,
    kind     text        collate "C" not null,
    job_ids  uuid[]      not null,
    attempts integer[]   not null,
    constraint as_many_attempts_as_jobs check (cardinality(job_ids) = cardinality(attempts))
);

-- What readers follow. The relay alone writes it, one transaction at a time, so n has no gaps and grows in the
-- order of commits: "greater than the last n that I saw" misses nothing, which on the outbox it would.
create table event (
    n        bigint      not null,
    at       timestamptz not null,
    type     text        collate "C" not null,
    queue    text        collate "C" not null,
    kind     text        collate "C" not null,
    job_ids  uuid[]      not null,
    attempts integer[]   not null,
    primary key (n, at)
) partition by range (at);

create table event_default partition of event default;

-- The last number given. Its row lock is what makes the relay one at a time.
create table event_head (
    n       bigint  not null,
    one_row boolean primary key default true check (one_row)
);

insert into event_head (n) values (0);
