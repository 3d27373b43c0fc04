-- Let only this transaction count what runs under limits and let jobs in; the statement after this
-- one sees what the one before it did.
select pg_advisory_xact_lock(hashtext('ordinaut.limits'), 0)
