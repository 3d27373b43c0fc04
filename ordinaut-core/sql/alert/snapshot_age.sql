-- The time in seconds since the oldest snapshot of the server was taken, if that is at least $1:
-- vacuum removes nothing that was deleted since.
select '*' as subject, seconds as value, holder as detail
from (
    select extract(epoch from clock_timestamp() - since)::float8 as seconds, holder
    from (
        select xact_start as since, format('process %s, %s', pid, coalesce(nullif(application_name, ''), 'no name')) as holder
        from pg_stat_activity
        where backend_xmin is not null and pid <> pg_backend_pid()
        union all
        select prepared, format('prepared transaction %s', gid) from pg_prepared_xacts
    ) as held
    where since is not null
    order by since
    limit 1
) as oldest
where seconds >= $1::float8
