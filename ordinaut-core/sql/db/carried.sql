-- What a connection carries, and what the role and the database would give another one: what our
-- statements depend on. $1: the schema.
select pg_is_in_recovery() as in_recovery,
       current_setting('transaction_read_only') = 'on' as read_only,
       current_setting('server_encoding') as encoding,
       current_setting('default_transaction_isolation') as isolation,
       current_setting('synchronous_commit') = 'off' as forgets_commits,
       current_setting('jit') = 'on' as compiles,
       array(
           select name || ' = ' || (setting::bigint / 1000.0)::float8 || ' s'
           from pg_settings
           where name in ('statement_timeout', 'lock_timeout', 'transaction_timeout')
             and setting::bigint between 1 and 60000
           order by name
       ) as short_timeouts,
       array(
           select pg_class.relname::text
           from pg_class
           join pg_namespace on pg_namespace.oid = pg_class.relnamespace
           where pg_namespace.nspname = $1::text and pg_class.relkind in ('r', 'p') and pg_class.relrowsecurity
             and row_security_active(pg_class.oid)
           order by pg_class.relname
       ) as hidden_tables,
       array(
           select distinct given.setting
           from pg_db_role_setting, unnest(setconfig) as given(setting)
           where setdatabase in (0, (select oid from pg_database where datname = current_database()))
             and setrole in (0, (select oid from pg_roles where rolname = current_user))
             and split_part(given.setting, '=', 1) in (
                 'default_transaction_isolation', 'default_transaction_read_only', 'statement_timeout', 'lock_timeout',
                 'idle_in_transaction_session_timeout', 'idle_session_timeout', 'transaction_timeout', 'jit',
                 'plan_cache_mode', 'row_security', 'synchronous_commit', 'quote_all_identifiers')
           order by 1
       ) as given
