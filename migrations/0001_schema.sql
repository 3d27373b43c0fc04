-- What a binary must know before it touches anything else: how new this schema is, and the oldest binary
-- that may still use it. A migration that an older binary can live with raises the version alone; one that
-- takes something away raises both.
create table schema_version (
    version       bigint not null,
    oldest_binary text   not null,
    one_row       boolean primary key default true check (one_row)
);

insert into schema_version (version, oldest_binary) values (1, '0.1.0');

-- A uuid v7 for jobs made in plain SQL; programs make their own. Sorted by time, so that new keys land on
-- the newest page, and partitions by id are partitions by time.
create function uuid_v7() returns uuid
    language sql volatile parallel safe
as $$
    select encode(
        set_bit(set_bit(                                     -- version 4 (0100) becomes 7 (0111)
            overlay(uuid_send(gen_random_uuid())
                placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
                from 1 for 6),
            52, 1), 53, 1),
        'hex')::uuid
$$;

-- The smallest uuid v7 of an instant: the bound of a partition.
create function uuid_v7_floor(instant timestamptz) returns uuid
    language sql immutable parallel safe
as $$
    select (lpad(to_hex((extract(epoch from instant) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;
