-- What a connection of ours carries, or its transaction alone ($3), whatever its role, its database
-- or the server says by default. DateStyle and TimeZone are not here: the driver names them when it
-- connects.
--
-- Time-outs: the server gives a statement up after $1 milliseconds, and a transaction whose other
-- end fell silent (a process that is frozen, a wire that lost everything) after $2: others wait for
-- its locks. So does a transaction of a loop whose answer nobody reads, where the server is Linux:
-- TCP gives the connection up, and a statement that runs looks for its reader. Behind a pooler ($3)
-- the other end is the pooler. The rest are off: they would end connections that wait for work, or
-- statements that may take long. Isolation: under a stricter level, statements that pass by locked
-- rows fail instead. Read-only as the default of a role or a database is no more than that. As the
-- server's own configuration it says that somebody wants nothing written there, and stays. jit:
-- none of our statements is worth compiling, which takes seconds. What gives text another form
-- (quotes, bytes, intervals, floats) changes what our functions read and write.
--
-- $4: nothing but our own statements goes through it. They name the schema of every table, so that
-- their path has nothing but the catalogue. Where a policy hides rows from this role they fail: an
-- empty answer would look like an idle queue.
--
-- $5: it belongs to a loop, which reads by index alone. Plans are kept as long as the connection.
-- One that was made while a table was empty would read it from end to end once it has filled, until
-- the next analyze: 300 ms a claim with 200,000 jobs waiting, instead of 5. Nothing counts as
-- cached: else reading all of an index is free where that is done for each of many keys. After an
-- analyze of due_work with few rows and many dead ones, a settle of 500 ends read the whole primary
-- key for each of them.
select set_config('statement_timeout', $1::text, $3::boolean),
       case when $2::text is not null then set_config('idle_in_transaction_session_timeout', $2::text, $3::boolean) end,
       case when current_setting('transaction_timeout', true) is not null then set_config('transaction_timeout', '0', $3::boolean) end,
       set_config('lock_timeout', '0', $3::boolean), set_config('idle_session_timeout', '0', $3::boolean),
       set_config('default_transaction_isolation', 'read committed', $3::boolean),
       case when current_setting('default_transaction_read_only') = 'on' then
           case when (select source from pg_catalog.pg_settings where name = 'default_transaction_read_only')
                     in ('global', 'database', 'user', 'database user')
                then set_config('default_transaction_read_only', 'off', $3::boolean) end
       end,
       set_config('jit', 'off', $3::boolean), set_config('plan_cache_mode', 'auto', $3::boolean),
       set_config('quote_all_identifiers', 'off', $3::boolean),
       set_config('standard_conforming_strings', 'on', $3::boolean),
       set_config('bytea_output', 'hex', $3::boolean), set_config('IntervalStyle', 'postgres', $3::boolean),
       set_config('extra_float_digits', '1', $3::boolean), set_config('array_nulls', 'on', $3::boolean),
       set_config('transform_null_equals', 'off', $3::boolean),
       case when $4::boolean then set_config('search_path', 'pg_catalog, pg_temp', $3::boolean) end,
       case when $4::boolean then set_config('row_security', 'off', $3::boolean) end,
       case when $5::boolean then set_config('effective_cache_size', '8kB', $3::boolean) end,
       case when $5::boolean then set_config('enable_seqscan', 'off', $3::boolean) end,
       case when $5::boolean then set_config('enable_bitmapscan', 'off', $3::boolean) end,
       case when $5::boolean then set_config('enable_hashjoin', 'off', $3::boolean) end,
       case when $5::boolean then set_config('enable_mergejoin', 'off', $3::boolean) end,
       case when $5::boolean then set_config('enable_indexscan', 'on', $3::boolean) end,
       case when $5::boolean then set_config('enable_indexonlyscan', 'on', $3::boolean) end,
       case when $5::boolean then set_config('enable_nestloop', 'on', $3::boolean) end,
       case when $5::boolean and not $3::boolean and version() ~ 'linux'
            then set_config('tcp_user_timeout', $1::text, false) end,
       case when $5::boolean and not $3::boolean and version() ~ 'linux'
                 and current_setting('client_connection_check_interval', true) is not null
            then set_config('client_connection_check_interval', $1::text, false) end
