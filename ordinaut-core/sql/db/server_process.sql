-- The server process that this is asked of.
select pg_backend_pid()
