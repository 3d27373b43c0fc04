-- Let only this transaction count and fire under the keys $1, taken in one order by all. Two keys with one hash only make
-- their fires take turns, and not their jobs.
select count(pg_advisory_xact_lock(hashtext('ordinaut.concurrency_key'), hash))
from (select distinct hashtext(key) as hash from unnest($1::text[]) as key order by hash) as locks
