-- The part of the server's connections that are taken, in percent, if that is at least $1.
select '*' as subject, share as value, format('%s of %s', taken, most) as detail
from (
    select count(*) as taken, current_setting('max_connections')::integer as most,
           (100.0 * count(*) / current_setting('max_connections')::integer)::float8 as share
    from pg_stat_activity
    where backend_type = 'client backend'
) as counted
where share >= $1::float8
