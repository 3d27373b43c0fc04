-- Drop the partition $1, but for what belongs to jobs that have not ended. False: nothing was there
-- to drop, or somebody else is at it.
select ordinaut.drop_partition($1::text)
