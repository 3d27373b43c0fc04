-- Since when this server takes writes, by timeline: a standby that is promoted has run for long, and its start says
-- nothing. Whoever comes first notes the timeline. Rescue and claims wait after it, as they do after a restart.
create table server_life (
    timeline integer     primary key,
    since    timestamptz not null default clock_timestamp()
);

-- Zero where a host of Postgres does not let everybody know; restarts are noticed there all the same.
create function server_timeline() returns integer
    language plpgsql volatile
as $$
begin
    return ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::integer;
exception when others then
    return 0;
end
$$;

create function takes_writes_since() returns timestamptz
    language plpgsql volatile
    set search_path from current
as $$
declare
    here  integer := server_timeline();
    noted timestamptz;
begin
    select since into noted from server_life where timeline = here;
    if not found then
        insert into server_life (timeline) values (here) on conflict (timeline) do nothing;
        select since into noted from server_life where timeline = here;
    end if;
    return greatest(noted, pg_postmaster_start_time());
end
$$;

-- The server that the schema was made on, or brought forward on, is the one that all sessions know.
insert into server_life (timeline, since) values (server_timeline(), 'epoch');

-- The partitions of a table that lie wholly before an instant, the oldest first. Their names say where they begin.
create function past_partitions(parent text, span interval, before timestamptz) returns setof text
    language sql stable
    set search_path from current
as $$
    select child.relname::text
    from pg_inherits
    join pg_class child on child.oid = inhrelid
    where inhparent = to_regclass(parent) and child.relname ~ '_[0-9]{8}$'
      and to_timestamp(right(child.relname, 8), 'YYYYMMDD')::timestamp at time zone 'UTC' + span <= before
    order by child.relname
$$;

-- Drop a partition of job, run, fire or event. What belongs to a job that has not ended, or that can be sent back, goes
-- through the parent into DEFAULT. False: it is gone, or partitions are made or dropped elsewhere now.
--
-- Not concurrently, which DEFAULT forbids: the lock on the parent makes everybody wait, so that callers set a lock_timeout
-- and try again. Under it only survivors are read, by their keys, however much there is to drop.
create function drop_partition(part text) returns boolean
    language plpgsql
    set search_path from current
as $$
declare
    parent  text;
    key     text;
begin
    if not pg_try_advisory_xact_lock(hashtext('ordinaut.make_partitions'), hashtext(current_schema())) then
        return false;
    end if;
    select inhparent::regclass::text into parent from pg_inherits where inhrelid = to_regclass(part);
    if not found then
        return false;
    end if;
    execute format('alter table %s detach partition %I', parent, part);
    key := case parent when 'job' then 'id' when 'run' then 'job_id' end;
    if key is not null then
        execute format(
            'with bounds as materialized (
                 select (select %1$I from %2$I order by %1$I limit 1) as low,
                        (select %1$I from %2$I order by %1$I desc limit 1) as high),
             alive as materialized (
                 select job_id from due_work, bounds where job_id between low and high
                 union select job_id from parked, bounds where job_id between low and high
                 union select job_id from dead_letter, bounds where job_id between low and high)
             insert into %3$s select %2$I.* from alive join %2$I on %2$I.%1$I = alive.job_id',
            key, part, parent);
    end if;
    execute format('drop table %I', part);
    return true;
end
$$;

update schema_version set version = 19;
