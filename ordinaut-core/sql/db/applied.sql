-- Note which functions ($1, a hash) the schema that was migrated has.
update ordinaut.schema_version set functions = $1::text
