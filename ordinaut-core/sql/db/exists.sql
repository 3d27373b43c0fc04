-- Whether the schema $1 has been migrated at all, and whether that was before the history of
-- migrations began anew: its table of versions does not tell which functions there are.
select to_regclass($1::text || '.schema_version') is not null,
       to_regclass($1::text || '.schema_version') is not null and not exists (
           select from pg_attribute where attrelid = to_regclass($1::text || '.schema_version') and attname = 'functions'
       )
