-- While its job has not ended, a key is held without an end. In due_work and parked such a job has
-- the flag 8, flag_unique(), and whatever ends the job sets held_until in the same statement; the
-- scheduler deletes what is past.
create table unique_key (
    key           bytea       primary key,
    job_id        uuid        not null,
    after_end     interval    not null default '0' check (after_end >= interval '0'),
    held_until    timestamptz,
    ends_with_job boolean     not null default true
) with (fillfactor = 70);

create index unique_key_job_id on unique_key (job_id);
create index unique_key_held_until on unique_key (held_until) where held_until is not null;

comment on table unique_key is 'Keys of unique jobs: which job holds a key, and until when. Jobs without a key never touch it.';
comment on column unique_key.key is 'Hash of the readable key: unique_key_hash(unique_key_text(...)).';
comment on column unique_key.after_end is 'Time for which the key stays held after the end of its job.';
comment on column unique_key.held_until is 'Null: until the job ends.';
comment on column unique_key.ends_with_job is
    'False for the modes until_started and run_again, whose key another job may take over while the holder runs: the end of the holder must not wait for that transaction, so it leaves the key alone (and has no flag_unique()). A key whose job has no work is found free by the next enqueue, or by the scheduler''s repair.';

update schema_version set version = 14;
