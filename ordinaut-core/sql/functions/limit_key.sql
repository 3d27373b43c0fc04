-- A long value would not fit into an index.
create or replace function limit_key(args jsonb, path text[]) returns text
    language sql immutable parallel safe
begin atomic
    select case when length(args #>> path) > 200 then md5(args #>> path) else args #>> path end;
end;

comment on function limit_key is
    'What stands under a path in arguments, as the key of a limit.';
