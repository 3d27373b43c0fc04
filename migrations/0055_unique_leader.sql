-- A job that waits behind a running one (mode run_again) holds their key, and may end before that
-- one does: it is cancelled, expires, is deleted by hand. The key is the running one's again then.
-- No end of a job has to tell: whatever meets a key whose holder has ended asks whether the leader
-- has.
alter table unique_key add column leader uuid;

comment on column unique_key.leader is
    'The job that the holder is parked behind, or was when it took the key. If the holder ends first, the key is the leader''s again (return_key). Of a leader that has ended it means nothing.';

update schema_version set version = 55;
