-- Numbers such as 1e130000 are short in storage and long as text. Past 1 GB Postgres gives up, and
-- that must not take the other rows of a page with it.
create or replace function shown(document jsonb, most_octets integer default 4194304) returns text
    language plpgsql immutable parallel safe
    set search_path from current
as $$
declare
    text_form text;
begin
    text_form := document::text;
    if octet_length(text_form) > most_octets then
        return to_json(format('cannot be shown: %s octets of JSON, and %s are shown at most',
                              octet_length(text_form), most_octets))::text;
    end if;
    return text_form;
exception when program_limit_exceeded or out_of_memory then
    return to_json('cannot be shown: larger than Postgres can write as text'::text)::text;
end
$$;

comment on function shown is
    'A document as text, or a JSON text that says why it is not shown.';
