-- Of unique_by, such as {"args": ["customer.id"], "all_args": true, "queue": true, "key": "...",
-- "period": 60}. The library's Unique makes the same key of the same parts.
create or replace function unique_key_text(kind text, args jsonb, queue text, tenant text, unique_by jsonb) returns text
    language plpgsql immutable parallel safe
    set search_path from current
as $$
declare
    parts jsonb := jsonb_build_object('kind', kind);
    path  text;
    step  text;
    found jsonb;
    known jsonb := '{}';
begin
    if (unique_by -> 'all_args')::boolean then
        if jsonb_array_length(unique_by -> 'args') > 0 then
            raise exception using errcode = 'invalid_parameter_value',
                message = 'unique_by.args must not be given with all of them';
        end if;
        parts := parts || jsonb_build_object('all_args', args);
    end if;
    for path in select jsonb_array_elements_text(unique_by -> 'args') loop
        found := args;
        foreach step in array case path when '' then array[''] else string_to_array(path, '.') end loop
            found := case jsonb_typeof(found) when 'object' then found -> step end;
        end loop;
        if found is null then
            raise exception using errcode = 'invalid_parameter_value',
                message = format('unique_by.args name %s, which the arguments do not have', path);
        end if;
        known := known || jsonb_build_object(path, found);
    end loop;
    if known <> '{}' then
        parts := parts || jsonb_build_object('args', known);
    end if;
    if (unique_by -> 'queue')::boolean then
        parts := parts || jsonb_build_object('queue', queue);
    end if;
    if unique_by ->> 'key' is not null then
        parts := parts || jsonb_build_object('key', unique_by ->> 'key');
    end if;
    if unique_by ->> 'period' is not null then
        parts := parts || jsonb_build_object('period', trim_scale(round((unique_by ->> 'period')::numeric, 9)));
    end if;
    if tenant is not null then
        parts := parts || jsonb_build_object('tenant', tenant);
    end if;
    return key_json(parts);
end
$$;

comment on function unique_key_text is
    'The readable key of a unique job.';
