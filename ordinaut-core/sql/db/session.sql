-- Settings of the connection that migrates the schema $1, so that no role, database or server has
-- its own. The files of migrations name no schema, so that they serve any; functions keep this path
-- as their own, temporary tables last in it.
select set_config('search_path', quote_ident($1::text) || ', pg_temp', false),
       -- A migration that waits for a lock on a table makes every later statement on that table
       -- wait behind it.
       set_config('lock_timeout', '50ms', false),
       set_config('statement_timeout', '0', false), set_config('idle_in_transaction_session_timeout', '0', false),
       set_config('default_transaction_isolation', 'read committed', false),
       set_config('timezone', 'UTC', false), set_config('datestyle', 'ISO, YMD', false),
       set_config('standard_conforming_strings', 'on', false), set_config('check_function_bodies', 'on', false)
