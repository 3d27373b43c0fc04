-- What a session, role or database carries leads no function astray: neither its search path (temporary tables come first
-- in every path that does not name them) nor how it prints and reads instants.
--
-- Each function either knows its objects since it was made (begin atomic) or has a path of its own: this schema, and
-- temporary tables last.
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

-- As it was (0001), but an instant that no uuid v7 can say has the nearest one: a bound of before 1970 is the first of all.
create or replace function uuid_v7_floor(instant timestamptz) returns uuid
    language sql immutable parallel safe
begin atomic
    select (lpad(to_hex(least(greatest(extract(epoch from instant) * 1000, 0), 281474976710655)::bigint), 12, '0')
            || repeat('0', 20))::uuid;
end;

create or replace function unique_key_hash(key text, period double precision default null) returns bytea
    language sql volatile
begin atomic
    select sha256(convert_to(key || coalesce('@' || floor(extract(epoch from clock_timestamp()) / period)::bigint, ''), 'UTF8'));
end;

create or replace function limit_key(args jsonb, path text[]) returns text
    language sql immutable parallel safe
begin atomic
    select case when length(args #>> path) > 200 then md5(args #>> path) else args #>> path end;
end;

-- The partitions of a table but for DEFAULT, with their bounds. As text, in which both kinds of bound (ids and instants) are
-- in their own order: it is printed and compared the same way in any session.
create function partition_bounds(parent regclass) returns table (part regclass, low text, high text)
    language sql stable
    set search_path from current
    set timezone = 'UTC'
    set datestyle = 'ISO, YMD'
begin atomic
    select child.oid::regclass, bound[1] collate "C", bound[2] collate "C"
    from pg_inherits
    join pg_class child on child.oid = inhrelid
    cross join regexp_match(pg_get_expr(child.relpartbound, child.oid), 'FROM [(]''([^'']+)''[)] TO [(]''([^'']+)''[)]') as bound
    where inhparent = partition_bounds.parent and bound is not null;
end;

-- As it was (0014), but bounds are the same whatever zone and style the session prints instants in. Before, they were not: a
-- partition that begins or ends at another hour keeps what it has, and its neighbour gets the rest.
create or replace function make_partitions(weeks integer default 4, days integer default 7) returns setof text
    language plpgsql
    set search_path from current
    set timezone = 'UTC'
    set datestyle = 'ISO, YMD'
as $$
declare
    here   text := current_schema();
    wanted record;
    part   text;
    first  text collate "C";
    beyond text collate "C";
begin
    perform pg_advisory_xact_lock(hashtext('ordinaut.make_partitions'), hashtext(here));
    for wanted in
        with utc as (select date_trunc('week', now() at time zone 'UTC') as week,
                            date_trunc('day', now() at time zone 'UTC') as day),
        span as (
            select 'week' as unit, week + i * interval '1 week' as low, week + (i + 1) * interval '1 week' as high
            from utc, generate_series(0, weeks) as i
            union all
            select 'day', day + i * interval '1 day', day + (i + 1) * interval '1 day'
            from utc, generate_series(0, days) as i
        )
        select parent, key, span.low,
               case when key like '%id' then uuid_v7_floor(span.low at time zone 'UTC')::text
                   else (span.low at time zone 'UTC')::text end as low_bound,
               case when key like '%id' then uuid_v7_floor(span.high at time zone 'UTC')::text
                   else (span.high at time zone 'UTC')::text end as high_bound
        from (values ('job', 'id', 'week'), ('run', 'job_id', 'week'), ('event', 'at', 'day'), ('fire', 'scheduled_for', 'week'))
            as family(parent, key, unit)
        join span using (unit)
        order by parent, span.low
    loop
        part := wanted.parent || '_' || to_char(wanted.low, 'YYYYMMDD');
        continue when to_regclass(format('%I.%I', here, part)) is not null;
        select greatest(wanted.low_bound, max(bounds.high)) into first
        from partition_bounds(format('%I.%I', here, wanted.parent)::regclass) as bounds
        where bounds.low <= wanted.low_bound and bounds.high > wanted.low_bound;
        select least(wanted.high_bound, min(bounds.low)) into beyond
        from partition_bounds(format('%I.%I', here, wanted.parent)::regclass) as bounds
        where bounds.low >= first and bounds.low < wanted.high_bound;
        continue when first >= beyond;
        execute format('lock table %I.%I in access exclusive mode', here, wanted.parent || '_default');
        execute format('create table %1$I.%2$I (like %1$I.%3$I including all)', here, part, wanted.parent);
        execute format(
            'with moved as (delete from %1$I.%2$I where %3$I >= %4$L and %3$I < %5$L returning *)
             insert into %1$I.%6$I select * from moved',
            here, wanted.parent || '_default', wanted.key, first, beyond, part);
        execute format('alter table %1$I.%2$I attach partition %1$I.%3$I for values from (%4$L) to (%5$L)',
            here, wanted.parent, part, first, beyond);
        return next part;
    end loop;
end
$$;

-- As it was (0019), but by the bounds that a partition has and not by those that its name promises.
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

-- As it was (0019), but tables are known by their oids: how a name is printed depends on the session, and a job that has
-- not ended was lost where it was not recognised.
create or replace function drop_partition(part text) returns boolean
    language plpgsql
    set search_path from current
as $$
declare
    here   text := current_schema();
    gone   regclass := to_regclass(format('%I.%I', here, part));
    parent regclass;
    key    text;
begin
    if not pg_try_advisory_xact_lock(hashtext('ordinaut.make_partitions'), hashtext(here)) then
        return false;
    end if;
    select inhparent into parent from pg_inherits where inhrelid = gone;
    if parent is null or parent::oid not in ('job'::regclass, 'run'::regclass, 'event'::regclass, 'fire'::regclass) then
        return false;
    end if;
    execute format('alter table %s detach partition %s', parent, gone);
    key := case parent::oid when 'job'::regclass::oid then 'id' when 'run'::regclass::oid then 'job_id' end;
    if key is not null then
        execute format(
            'with bounds as materialized (
                 select (select %1$I from %2$s order by %1$I limit 1) as low,
                        (select %1$I from %2$s order by %1$I desc limit 1) as high),
             alive as materialized (
                 select job_id from due_work, bounds where job_id between low and high
                 union select job_id from parked, bounds where job_id between low and high
                 union select job_id from dead_letter, bounds where job_id between low and high)
             insert into %3$s select past.* from alive join %2$s as past on past.%1$I = alive.job_id',
            key, gone, parent);
    end if;
    execute format('drop table %s', gone);
    return true;
end
$$;

do $$
declare
    made record;
begin
    for made in
        select oid::regprocedure as function from pg_proc where pronamespace = current_schema()::regnamespace and prosqlbody is null
    loop
        execute format('alter function %s set search_path = %I, pg_temp', made.function, current_schema());
    end loop;
end
$$;

update schema_version set version = 29;
