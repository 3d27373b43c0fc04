-- Limits of targets: how many calls may be under way at once, and how many may begin in a second,
-- of all workers together. Targets without limits have no row here, and their calls write nothing.
alter table target
    add column tokens double precision,
    add column filled_at timestamptz;

create table target_turn (
    target  text    collate "C" not null references target on delete cascade,
    call    uuid    not null,
    job_id  uuid    not null,
    attempt integer not null,
    session bigint  not null,
    primary key (target, call)
);

comment on column target.tokens is 'Calls that could begin at filled_at; since then "rate" a second have been added, up to a tenth of it, and 1 at least. Null: no call has begun.';
comment on column target.filled_at is 'When a call last began, of a target with a rate.';
comment on table target_turn is
    'Calls under way of targets with a "concurrency". A row counts while the attempt that it names has its lease.';
comment on column target_turn.call is 'The call.';
comment on column target_turn.job_id is 'The job whose attempt calls.';

update schema_version set version = 91;
