-- Programs make the ids of their jobs themselves. Sorted by time, so that new keys land on the
-- newest page of an index, and partitions by id are partitions by time.
create or replace function uuid_v7() returns uuid
    language sql volatile parallel safe
begin atomic
    select encode(
        set_bit(set_bit(                                     -- version 4 (0100) becomes 7 (0111)
            overlay(uuid_send(gen_random_uuid())
                placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
                from 1 for 6),
            52, 1), 53, 1),
        'hex')::uuid;
end;

comment on function uuid_v7 is
    'A uuid v7 of now, the id of a job that is made in plain SQL.';
