-- What doctor wants to know of the server.
select current_setting('server_version') as version,
       current_setting('server_version_num')::integer / 10000 as major,
       current_setting('fsync') = 'on' and current_setting('full_page_writes') = 'on' as durable,
       pg_is_in_recovery() as in_recovery,
       clock_timestamp() as now,
       current_user::text as account
