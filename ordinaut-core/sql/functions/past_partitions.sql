-- By the bounds that a partition has, and not by those that its name promises.
create or replace function past_partitions(parent text, span interval, before timestamptz) returns setof text
    language sql stable
    set search_path from current
    set timezone = 'UTC'
    set datestyle = 'ISO, YMD'
begin atomic
    select child.relname::text
    from partition_bounds(to_regclass(past_partitions.parent)) as bounds
    join pg_class child on child.oid = bounds.part
    where child.relname ~ '_[0-9]{8}$'
      and case when bounds.high ~ '^[0-9a-f]{8}-'
              then bounds.high::uuid <= uuid_v7_floor(before) else bounds.high::timestamptz <= before end
    order by child.relname;
end;

comment on function past_partitions is
    'The partitions of a table that lie wholly before an instant, the oldest first.';
