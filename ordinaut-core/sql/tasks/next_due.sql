-- Seconds until the next task is due.
select extract(epoch from min(next_run_at) - clock_timestamp())::float8 from ordinaut.task where next_run_at is not null
