-- What is wrong with an argument of `enqueue`: each function answers with what to say behind the field's name, or with null.
-- 0048 makes the `enqueue` that asks them, and docs/sql.md describes it.

-- What is wrong with the name of a kind or a tenant, or with a tag; null: nothing.
create function name_fault(name text) returns text
    language sql immutable parallel safe
begin atomic
    select case
        when name is null then 'must not be null'
        when name = '' then 'must not be empty'
        when length(name) > 100 then 'must not be longer than 100 characters'
        when name ~ ('[' || chr(1) || '-' || chr(31) || chr(127) || '-' || chr(159) || ']')
            then 'must not contain NUL or another control character'
    end;
end;

-- Of a queue: WORKER_QUEUES lists queues with commas and weights, and white space is what nobody sees.
create function queue_fault(name text) returns text
    language sql immutable parallel safe
begin atomic
    select coalesce(name_fault(name), case
        when name ~ ('[,= ' || chr(160) || chr(5760) || chr(8192) || '-' || chr(8202) || chr(8232) || chr(8233) || chr(8239)
                     || chr(8287) || chr(12288) || ']')
            then 'must not contain white space, "," or "="'
    end);
end;

create function tags_fault(tags text[]) returns text
    language sql immutable parallel safe
begin atomic
    select case
        when tags is null then 'must not be null'
        when array_ndims(tags) > 1 or array_lower(tags, 1) <> 1 then 'must be one list, counted from 1'
        when cardinality(tags) > 50 then 'must be at most 50'
        when exists (select from unnest(tags) as tag where name_fault(tag) is not null)
            then 'must each be of 1 to 100 characters, without control characters'
    end;
end;

-- What is wrong with arguments. A number of a few bytes (1e130000) can be 130 kB of text, so that numbers are looked at one
-- by one before all of it is written out; and little of anything has nothing to be found.
create function args_fault(args jsonb) returns text
    language plpgsql immutable parallel safe
    set search_path from current
as $$
declare
    most constant integer := 1024 * 1024;
begin
    if args is null then
        return 'must not be null';
    end if;
    if pg_column_size(args) <= 1000 and octet_length(args::text) <= 200 then
        return null;
    end if;
    if pg_column_size(args) > 4 * most then
        return 'must not be larger than 1 MiB';
    end if;
    if exists (select from jsonb_path_query(args, 'strict $.** ? (@.type() == "number")') as number
               where octet_length(number::text) > 1000) then
        return 'must not contain a number of more than 1000 digits';
    end if;
    if jsonb_path_exists(args, 'strict $.**{100} ? (@.type() == "array" || @.type() == "object")') then
        return 'must not be nested more than 100 deep';
    end if;
    if octet_length(args::text) > most then
        return 'must not be larger than 1 MiB';
    end if;
    return null;
end
$$;

-- As a library's Backoff is written: its kind and that kind's fields, in seconds.
create function backoff_fault(backoff jsonb) returns text
    language sql immutable parallel safe
begin atomic
    select case
        when backoff is null then null
        when jsonb_typeof(backoff) <> 'object' then 'must be a JSON object'
        when backoff ->> 'kind' is null or backoff ->> 'kind' not in ('fixed', 'linear', 'exponential')
            then 'must be of the kind fixed, linear or exponential'
        when array(select jsonb_object_keys(backoff) order by 1)
             <> case backoff ->> 'kind' when 'fixed' then '{delay,kind}'::text[]
                                        when 'linear' then '{cap,kind,step}' else '{base,cap,kind}' end
            then 'must have the fields of its kind: fixed delay, linear step and cap, exponential base and cap'
        when exists (select from jsonb_each(backoff - 'kind') as field
                     where jsonb_typeof(field.value) <> 'number' or field.value < '0' or field.value > '18446744073709549568')
            then 'must be in seconds, 0 or more'
        when coalesce(backoff -> 'delay', backoff -> 'cap') > '31622400' then 'must not wait for longer than a year'
    end;
end;

-- JSON as keys of unique jobs have it: without spaces, fields in the order of their bytes, numbers as Postgres writes them.
create function key_json(value jsonb) returns text
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

-- The readable key of a unique job, as the library's Unique makes it of the same parts: {"args": ["customer.id"],
-- "all_args": true, "queue": true, "key": "...", "period": 60}.
create function unique_key_text(kind text, args jsonb, queue text, tenant text, unique_by jsonb) returns text
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

update schema_version set version = 30;
