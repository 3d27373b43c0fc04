-- A number of a few bytes (1e130000) can be 130 kB of text, so that numbers are looked at one by
-- one before all of it is written out. In what is small there is nothing to find.
create or replace function args_fault(args jsonb) returns text
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

comment on function args_fault is
    'What is wrong with arguments of a job; null: nothing.';
