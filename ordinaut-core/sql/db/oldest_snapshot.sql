-- Who keeps vacuum from removing dead rows, the oldest first: backends, replication slots, prepared
-- transactions, and standbys that feed back. How long is known of all but slots.
select kind, holder, extract(epoch from clock_timestamp() - since)::float8 as seconds, xids
from (
    select 'backend' as kind,
           format('process %s, %s%s, %s', pid, coalesce(nullif(application_name, ''), 'no name'),
                  coalesce(' of ' || usename, ''), state) as holder,
           xact_start as since, age(backend_xmin) as xids
    from pg_stat_activity
    where backend_xmin is not null and pid <> pg_backend_pid()
    union all
    select 'slot', format('replication slot %s', slot_name), null, greatest(age(xmin), age(catalog_xmin))
    from pg_replication_slots
    where xmin is not null or catalog_xmin is not null
    union all
    select 'prepared', format('prepared transaction %s of %s', gid, owner), prepared, age(transaction)
    from pg_prepared_xacts
    union all
    select 'standby', format('standby %s, process %s', coalesce(nullif(application_name, ''), 'no name'), pid), null,
           age(backend_xmin)
    from pg_stat_replication
    where backend_xmin is not null
) held
order by xids desc, since
limit 1
