-- The table in which the library notes the migrations that it applies, as sqlx makes it. A script
-- fills it too, so that either may bring the schema forward the next time.
create table if not exists schema_migration (
    version        bigint primary key,
    description    text not null,
    installed_on   timestamptz not null default now(),
    success        boolean not null,
    checksum       bytea not null,
    execution_time bigint not null
)
