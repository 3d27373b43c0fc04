-- Enqueue from plain SQL takes what the library and HTTP take, and refuses what they refuse: an error that names the field,
-- and not a job that nobody can run. docs/sql.md describes it; a test gives the same jobs to all doors.

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

-- What is wrong with the rule itself; it begins with the field's name.
create function unique_fault(unique_by jsonb) returns text
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
            when field.key = 'mode' and field.value not in ('"skip"', '"replace"', '"debounce"', '"error"')
                then 'must be skip, replace, debounce or error'
        end) as fault(reason)
        where fault.reason is not null
        limit 1) end;
end;

-- As it was (0016), with what it lacked. A function with one parameter more is another one to Postgres, so the old one goes;
-- every call of it means the new one.
drop function enqueue(text, jsonb, text, integer, timestamptz, interval, integer, interval, text[], text);

create function enqueue(
    kind         text,
    args         jsonb       default '{}',
    queue        text        default 'default',
    priority     integer     default 5,
    run_at       timestamptz default null,
    delay        interval    default null,
    max_attempts integer     default null,
    timeout      interval    default null,
    tags         text[]      default '{}',
    unique_key   text        default null,
    tenant       text        default null,
    backoff      jsonb       default null,
    unique_by    jsonb       default null,
    traceparent  text        default null
) returns uuid
    language plpgsql volatile
    set search_path from current
as $$
declare
    new_id        uuid := uuid_v7();
    rule          jsonb := enqueue.unique_by;
    fault         text;
    key           bytea;
    holder        uuid;
    place         timestamptz;
    scheduled_for timestamptz;
begin
    fault := case
        when name_fault(enqueue.kind) is not null then 'kind ' || name_fault(enqueue.kind)
        when queue_fault(enqueue.queue) is not null then 'queue ' || queue_fault(enqueue.queue)
        when (enqueue.priority between 1 and 9) is not true then 'priority must be from 1 (most urgent) to 9'
        when enqueue.run_at is not null and enqueue.delay is not null then 'delay and run_at exclude each other: give one'
        when enqueue.run_at not between '4001-01-01 00:00:00+00 BC' and '9999-12-31 23:59:59.999999+00'
            then 'run_at must be between the years -4000 and 9999'
        when enqueue.delay < interval '0' or enqueue.delay > interval '36600 days' then 'delay must be from nothing to a hundred years'
        when enqueue.max_attempts not between 1 and 32767 then 'max_attempts must be from 1 to 32767'
        when enqueue.timeout not between interval '1 millisecond' and interval '366 days'
            then 'timeout must be from a millisecond to a year'
        when tags_fault(enqueue.tags) is not null then 'tags ' || tags_fault(enqueue.tags)
        when enqueue.tenant is not null and name_fault(enqueue.tenant) is not null then 'tenant ' || name_fault(enqueue.tenant)
        when args_fault(enqueue.args) is not null then 'args ' || args_fault(enqueue.args)
        when backoff_fault(enqueue.backoff) is not null then 'backoff ' || backoff_fault(enqueue.backoff)
        when unique_fault(rule) is not null then 'unique_by' || unique_fault(rule)
        when enqueue.unique_key is not null and length(enqueue.unique_key) not between 1 and 1000
            then 'unique_key must be of 1 to 1000 characters'
        when enqueue.unique_key is not null and rule ? 'key' then 'unique_key and unique_by.key exclude each other: give one'
        when enqueue.traceparent !~ '^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$'
            then 'traceparent must be one of W3C Trace Context, such as 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    end;
    if fault is not null then
        raise exception using errcode = 'invalid_parameter_value', message = fault;
    end if;
    if enqueue.unique_key is not null then
        rule := coalesce(rule, '{}') || jsonb_build_object('key', enqueue.unique_key);
    end if;
    if rule is not null then
        key := unique_key_hash(
            unique_key_text(enqueue.kind, enqueue.args, enqueue.queue, enqueue.tenant, rule), (rule ->> 'period')::double precision);
        select held.holder, held.due into holder, place
        from hold_key(key, new_id, make_interval(secs => coalesce((rule ->> 'after_end')::double precision, 0)),
                      coalesce(rule ->> 'mode', 'skip')) as held;
        if holder <> new_id and rule ->> 'mode' = 'error' then
            raise exception using errcode = 'unique_violation', message = format('job %s holds the unique key', holder);
        elsif holder <> new_id then
            return holder;
        end if;
    end if;
    scheduled_for := coalesce(enqueue.run_at, clock_timestamp() + enqueue.delay);
    with new_job as (
        insert into job (id, kind, queue, args, priority, max_attempts, timeout, tags, backoff, tenant, trace_context,
                         scheduled_for, unique_key, unique_after_end)
        values (new_id, enqueue.kind, enqueue.queue, enqueue.args, enqueue.priority, enqueue.max_attempts, enqueue.timeout,
                enqueue.tags, enqueue.backoff, enqueue.tenant, enqueue.traceparent, scheduled_for, key,
                case when key is not null then make_interval(secs => coalesce((rule ->> 'after_end')::double precision, 0)) end)
    ), new_work as (
        insert into due_work (run_at, job_id, priority, queue, kind, flags)
        values (greatest(coalesce(place, scheduled_for), clock_timestamp()), new_id, enqueue.priority, enqueue.queue, enqueue.kind,
                case when key is null then 0 else 8 end)
    )
    insert into outbox (type, queue, kind, job_ids, attempts)
    values ('enqueued', enqueue.queue, enqueue.kind, array[new_id], '{0}');
    -- Within the commit it holds a lock that all producers share, so that only a worker that waits is woken.
    perform pg_notify(current_schema(), enqueue.queue)
    where exists (select from worker where waiting and ended_at is null and enqueue.queue = any(worker.queues));
    return new_id;
end
$$;

update schema_version set version = 30;
