-- With a period the key is another one in each period, by this clock.
create or replace function unique_key_hash(key text, period double precision default null) returns bytea
    language sql volatile
begin atomic
    select sha256(convert_to(key || coalesce('@' || floor(extract(epoch from clock_timestamp()) / period)::bigint, ''), 'UTF8'));
end;

comment on function unique_key_hash is
    'The hash of a readable key, as unique_key.key has it; period in seconds.';
