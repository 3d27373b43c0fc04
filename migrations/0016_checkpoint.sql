create table checkpoint (
    job_id   uuid        primary key,
    attempt  integer     not null,
    state    jsonb       not null,
    saved_at timestamptz not null default clock_timestamp()
);

comment on table checkpoint is
    'Checkpoints: how far a job has come, for its next attempt. Written under the lease by jobs that ask for it only. It outlives failures, and stays for a dead job too, which may be sent back; the scheduler deletes it when the job has ended.';
comment on column checkpoint.attempt is 'The attempt that saved it: an older attempt never overwrites a newer one''s.';

update schema_version set version = 16;
