-- How new the schema is, the oldest binary that may use it, and the functions that were applied
-- last.
select version, oldest_binary, functions from ordinaut.schema_version
