-- What handlers say while they run: lines of a log, and chunks of a long answer. Jobs whose
-- handlers say nothing have no rows here.
create table output (
    job_id  uuid        not null,
    channel text        collate "C" not null check (channel in ('log', 'output')),
    attempt integer     not null,
    n       integer     not null check (n > 0),
    level   text        collate "C" check (level in ('trace', 'debug', 'info', 'warn', 'error')),
    text    text        not null,
    octets  bigint      not null,
    said_at timestamptz not null default clock_timestamp(),
    seen    integer,
    primary key (job_id, channel, attempt, n)
) partition by range (job_id);

create table output_default partition of output default;

comment on table output is
    'What the handlers of jobs say while they run. Written under the lease, bounded for each attempt, kept for as long as the runs.';
comment on column output.channel is 'log: lines, with a level; output: chunks, which are one text together.';
comment on column output.n is
    'The number that its writer gave it, from 1 on. 2147483647: the row that says that the attempt has said more than is kept.';
comment on column output.octets is 'Length of this text and of all before it in the attempt.';
comment on column output.seen is 'Of the row that says that there was more: the number of the last that was said.';

update schema_version set version = 81;
