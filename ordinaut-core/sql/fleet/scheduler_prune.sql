-- Drop the rows of schedulers, and of processes of the API, that were not seen for $1 seconds: they
-- ended without a word.
with deleted_api_processes as (
    delete from ordinaut.api_process where seen_at < clock_timestamp() - make_interval(secs => $1::float8)
)
delete from ordinaut.scheduler where seen_at < clock_timestamp() - make_interval(secs => $1::float8)
