-- Delete up to $1 rows of statistics that are past: a month of minutes, more than a year of hours.
delete from ordinaut.stat
where ctid = any(array(
    select ctid from ordinaut.stat
    where step = 'minute' and begins < clock_timestamp() - interval '30 days'
       or step = 'hour' and begins < clock_timestamp() - interval '400 days'
    limit $1::bigint
))
