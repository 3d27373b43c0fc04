-- The lines in which jobs of tasks wait for each other: concurrency keys, and tasks that limit their jobs (by id).
select distinct key from ordinaut.parked where reason = 'concurrency_key'
