-- Whether this transaction may let jobs of concurrency keys wait again: one at a time may.
select pg_try_advisory_xact_lock(hashtext('ordinaut.next_in_line'), hashtext($1::text))
