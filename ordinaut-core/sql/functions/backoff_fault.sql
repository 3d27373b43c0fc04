-- As the library writes a Backoff: its kind and that kind's fields, in seconds.
create or replace function backoff_fault(backoff jsonb) returns text
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

comment on function backoff_fault is
    'What is wrong with a backoff; null: nothing.';
