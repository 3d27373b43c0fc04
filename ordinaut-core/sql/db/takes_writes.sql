-- Whether this server takes writes: a standby does not, nor one whose configuration makes
-- transactions read-only. As the default of a role or a database it is none of the server's, and
-- our connections do without.
select case when pg_is_in_recovery() then false
            when current_setting('default_transaction_read_only') = 'off' then true
            else (select source from pg_catalog.pg_settings where name = 'default_transaction_read_only')
                 in ('global', 'database', 'user', 'database user') end
