-- How far a job has come, for its next attempt: written under the lease, by jobs that ask for it only. It outlives
-- failures, and stays for a dead job too, which may be sent back. The scheduler deletes it when its job has ended.
create table cursor (
    job_id   uuid        primary key,
    attempt  integer     not null,                         -- who saved it: an older attempt never overwrites a newer one's
    state    jsonb       not null,
    saved_at timestamptz not null default clock_timestamp()
);

update schema_version set version = 20;
