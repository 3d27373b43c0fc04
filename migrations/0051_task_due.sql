-- An instant that no schedule has (infinity, the year 294276), written to a task by hand, ended each look of a scheduler that
-- read it, and with it the instants of all other tasks. No binary writes one. The constraint comes first, so that nobody writes
-- another one while those that are there are mended; it judges them after that.
alter table task add constraint next_run_at_is_an_instant
    check (next_run_at between '1899-01-01 00:00:00+00' and '9999-12-31 23:59:59+00') not valid;

update task
set next_run_at = null, status = 'paused', trouble = 'next_run_at was not between the years 1899 and 9999: resume the task'
where next_run_at not between '1899-01-01 00:00:00+00' and '9999-12-31 23:59:59+00';

alter table task validate constraint next_run_at_is_an_instant;

update schema_version set version = 51;
