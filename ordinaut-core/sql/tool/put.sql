-- Put the tool $1 with its definition $2, from the source $3, by $4, unless the catalogue is full:
-- false. It holds $5 tools and $6 bytes. A worker's leaves one alone that somebody put; the same
-- definition again writes nothing.
with held as materialized (
    select count(*) filter (where name <> $1::text) as tools,
           coalesce(sum(octet_length(definition::text)) filter (where name <> $1::text), 0) as bytes
    from ordinaut.tool
), room as materialized (
    select tools < $5::bigint and bytes + octet_length($2::jsonb::text) <= $6::bigint as is_left from held
), put as (
    insert into ordinaut.tool (name, definition, source, registered_by)
    select $1::text, $2::jsonb, $3::text, $4::text from room where is_left
    on conflict (name) do update
    set definition = excluded.definition, source = excluded.source, registered_by = excluded.registered_by,
        version = tool.version + 1, updated_at = clock_timestamp()
    where (tool.definition, tool.source) is distinct from (excluded.definition, excluded.source)
      and (excluded.source = 'put' or tool.source = 'worker')
)
select is_left from room
