-- The fires of all tasks, the newest first. A fire makes a job, which costs far more than its entry
-- in one more index.
create index fire_scheduled_for on fire (scheduled_for, task_id);
create index event_fire_topic on event_fire (topic, at);

update schema_version set version = 71;
