-- Processes of the API tell of themselves as schedulers do, with the address at which they answer,
-- so that an operator and Prometheus find all of them.
create table api_process (
    id         uuid        primary key,
    name       text        not null,
    host       text        not null,
    pid        integer     not null,
    version    text        not null,
    address    text        not null,
    started_at timestamptz not null default clock_timestamp(),
    seen_at    timestamptz not null default clock_timestamp()
) with (fillfactor = 20);                                  -- renewed for as long as the process lives: keep it heap-only

comment on table api_process is
    'Processes of the API, removed when they stop in order. It only tells: nothing is decided by it.';
comment on column api_process.address is 'Host and port at which others may reach it, as far as it knows.';
comment on column api_process.seen_at is 'Renewed every few seconds.';

-- Who made a task, so that an operator finds those of one program.
alter table task add column created_by text;

comment on column task.created_by is 'The agent that created it through the API; null: a program or an operator did, without the API.';

update schema_version set version = 66;
