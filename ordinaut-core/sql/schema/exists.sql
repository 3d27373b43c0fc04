-- Whether the schema $1 has been migrated at all.
select to_regclass($1::text || '.schema_version') is not null
