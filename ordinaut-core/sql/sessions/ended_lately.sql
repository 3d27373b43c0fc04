-- Whether a session ended within the last $1 seconds: only then can there be orphans that no scan has seen.
select exists (
    select from ordinaut.worker where ended_at > clock_timestamp() - make_interval(secs => $1::float8)
)
