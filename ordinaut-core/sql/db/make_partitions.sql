-- Make the partitions that the coming weeks need, and name those that were missing.
select * from ordinaut.make_partitions()
