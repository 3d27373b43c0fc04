-- Whether this server takes writes: a standby does not, nor one whose transactions were made read-only.
select current_setting('transaction_read_only') = 'off'
