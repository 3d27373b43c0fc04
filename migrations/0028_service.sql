-- A kind of schedule more: a service, whose task always has one job that has not ended. A scheduler of before leaves
-- such tasks alone (next_run_at is null); an API or command line of before cannot read them.
alter table task drop constraint task_schedule_kind_check;
alter table task add constraint task_schedule_kind_check
    check (schedule_kind in ('every', 'cron', 'rrule', 'once', 'event', 'condition', 'service'));

-- What the scheduler looks at each second.
create index task_service on task (id) where schedule_kind = 'service' and status = 'active';

update schema_version set version = 28;
