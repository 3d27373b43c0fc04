-- Keys that plain SQL and the library make of the same parts have to be equal to the byte.
create or replace function key_json(value jsonb) returns text
    language plpgsql immutable parallel safe
    set search_path from current
as $$
begin
    return case jsonb_typeof(value)
        when 'object' then (
            select '{' || coalesce(string_agg(to_json(field.key) || ':' || key_json(field.value), ',' order by field.key collate "C"), '') || '}'
            from jsonb_each(value) as field)
        when 'array' then (
            select '[' || coalesce(string_agg(key_json(item.value), ',' order by item.ordinality), '') || ']'
            from jsonb_array_elements(value) with ordinality as item)
        else value::text
    end;
end
$$;

comment on function key_json is
    'JSON as keys of unique jobs have it: without spaces, fields in the order of their bytes, numbers as Postgres writes them.';
