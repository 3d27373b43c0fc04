-- The answer begins with the name of the field below unique_by, if it is about one.
create or replace function unique_fault(unique_by jsonb) returns text
    language sql immutable parallel safe
begin atomic
    select case when jsonb_typeof(unique_by) <> 'object' then ' must be a JSON object' else (
        select format('.%s %s', field.key, fault.reason)
        from jsonb_each(case jsonb_typeof(unique_by) when 'object' then unique_by end) as field
        cross join lateral (select case
            when field.key not in ('args', 'all_args', 'queue', 'key', 'period', 'mode', 'after_end')
                then 'is none of args, all_args, queue, key, period, mode and after_end'
            when field.key in ('key', 'period') and field.value = 'null' then null
            when field.key = 'args' and (jsonb_typeof(field.value) <> 'array'
                    or jsonb_path_exists(field.value, 'strict $[*] ? (@.type() != "string")'))
                then 'must be a list of paths'
            when field.key in ('all_args', 'queue') and jsonb_typeof(field.value) <> 'boolean' then 'must be true or false'
            when field.key = 'key' and (jsonb_typeof(field.value) <> 'string' or length(field.value #>> '{}') not between 1 and 1000)
                then 'must be of 1 to 1000 characters'
            when field.key = 'period' and (jsonb_typeof(field.value) <> 'number' or field.value < '1' or field.value > '31622400')
                then 'must be from a second to a year, in seconds'
            when field.key = 'after_end' and (jsonb_typeof(field.value) <> 'number' or field.value < '0' or field.value > '31622400')
                then 'must be from nothing to a year, in seconds'
            when field.key = 'after_end' and field.value > '0' and unique_by ->> 'mode' in ('until_started', 'run_again')
                then format('has no effect in mode %s, in which a key is not held beyond its job', unique_by ->> 'mode')
            when field.key = 'mode' and field.value not in ('"skip"', '"replace"', '"debounce"', '"error"', '"until_started"', '"run_again"')
                then 'must be skip, replace, debounce, error, until_started or run_again'
        end) as fault(reason)
        where fault.reason is not null
        limit 1) end;
end;

comment on function unique_fault is
    'What is wrong with unique_by; null: nothing.';
