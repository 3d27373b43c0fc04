-- The answer begins with the name of the field below placement, if it is about one.
create or replace function placement_fault(placement jsonb) returns text
    language sql immutable parallel safe
begin atomic
    select case when jsonb_typeof(placement) <> 'object' then ' must be a JSON object' else (
        select format('.%s %s', field.key, fault.reason)
        from jsonb_each(case jsonb_typeof(placement) when 'object' then placement end) as field
        cross join lateral (select case
            when field.key not in ('require', 'prefer', 'prefer_for', 'strategy', 'avoid_last')
                then 'is none of require, prefer, prefer_for, strategy and avoid_last'
            when field.key in ('require', 'prefer') and (jsonb_typeof(field.value) <> 'array' or jsonb_array_length(field.value) > 8
                    or exists (select from jsonb_array_elements(case jsonb_typeof(field.value) when 'array' then field.value end) as label
                               where jsonb_typeof(label) <> 'string' or octet_length(label #>> '{}') > 100
                                  or label #>> '{}' !~ '^!?[A-Za-z0-9_.-]+(=[^[:cntrl:]]+)?$'))
                then 'must be at most 8 labels, such as gpu, zone=a or !spot, of 100 octets each'
            when field.key in ('require', 'prefer') and exists (
                    select from jsonb_array_elements_text(case jsonb_typeof(field.value) when 'array' then field.value end) as label
                    where field.value ? ('!' || label))
                then 'asks for a label and for its absence'
            when field.key = 'prefer_for' and (jsonb_typeof(field.value) <> 'number' or field.value < '0' or field.value > '86400')
                then 'must be from nothing to a day, in seconds'
            when field.key = 'strategy' and field.value not in ('"least_tasks"', '"round_robin"', '"random"')
                then 'must be least_tasks, round_robin or random'
            when field.key = 'avoid_last' and jsonb_typeof(field.value) <> 'boolean' then 'must be true or false'
        end) as fault(reason)
        where fault.reason is not null
        limit 1) end;
end;

comment on function placement_fault is
    'What is wrong with a placement; null: nothing.';
