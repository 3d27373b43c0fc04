-- How next_run_at was counted, so that it can be counted again when a newer binary has newer zone
-- data: a stored instant would still fire once by the rule of before. Where counted_run_at is not
-- next_run_at, somebody else has set that (a snooze, a person, an older binary), and it is left
-- alone.
alter table task
    add column counted_run_at timestamptz,
    add column counted_after  timestamptz,
    add column counted_wall   timestamp,
    add column counted_by     text collate "C";

comment on column task.counted_run_at is 'What next_run_at was when it was counted; where they differ, somebody has set next_run_at.';
comment on column task.counted_after is 'The counted instant is the first one of the schedule after this one.';
comment on column task.counted_wall is 'What the clock of the task''s zone showed at counted_after; null if the task was not due then.';
comment on column task.counted_by is 'Version of the zone data that counted, such as 2026a; null: not known.';

update schema_version set version = 56;
