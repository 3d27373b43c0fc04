-- Whether a statement that a client prepared has kept its name on the server: poolers that know of
-- prepared statements give them names of their own.
select exists (select from pg_prepared_statements where name like 'sqlx\_s\_%')
