-- How new the schema is, and the oldest binary that may use it.
select version, oldest_binary from ordinaut.schema_version
