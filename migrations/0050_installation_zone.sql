-- The zone of schedules that name none, whichever program they come through: an IANA name. Whoever migrates says it
-- (`forward.rs`), and it is stored with everything else of this migration or not at all.
alter table event_head add column time_zone text not null default 'UTC';

update event_head set time_zone = coalesce(nullif(current_setting('ordinaut.first_zone', true), ''), 'UTC');

update schema_version set version = 50;
