-- Each function of this family (name_fault, queue_fault, tags_fault, args_fault, backoff_fault,
-- unique_fault) answers with what to say behind the name of an argument of enqueue(), or with null.
create or replace function name_fault(name text) returns text
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

comment on function name_fault is
    'What is wrong with the name of a kind or a tenant, or with a tag; null: nothing.';
