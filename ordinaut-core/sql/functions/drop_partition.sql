-- Not concurrently, which DEFAULT forbids: the lock on the parent makes everybody wait, so callers
-- set a lock_timeout and try again. Under the lock only survivors are read, by their keys, however
-- much there is to drop.
--
-- Tables are compared by their oids: how a name is printed depends on the session, and a job that
-- has not ended would be lost where its table was not recognised.
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
    if parent is null or parent::oid not in ('job'::regclass, 'run'::regclass, 'step'::regclass, 'output'::regclass,
                                             'event'::regclass, 'fire'::regclass) then
        return false;
    end if;
    execute format('alter table %s detach partition %s', parent, gone);
    key := case when parent::oid = 'job'::regclass then 'id'
                when parent::oid in ('run'::regclass, 'step'::regclass, 'output'::regclass) then 'job_id' end;
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

comment on function drop_partition is
    'Drop a partition of job, run, step, output, fire or event. Rows of jobs that have not ended, or that are dead and can be sent back, go through the parent into DEFAULT. False: the partition is gone, or partitions are made or dropped elsewhere now.';
