-- An instant that no uuid v7 can say has the nearest one: a bound before 1970 is the first id of
-- all.
create or replace function uuid_v7_floor(instant timestamptz) returns uuid
    language sql immutable parallel safe
begin atomic
    select (lpad(to_hex(least(greatest(extract(epoch from instant) * 1000, 0), 281474976710655)::bigint), 12, '0')
            || repeat('0', 20))::uuid;
end;

comment on function uuid_v7_floor is
    'The smallest uuid v7 of an instant: the bound of a partition, and of "jobs made since".';
