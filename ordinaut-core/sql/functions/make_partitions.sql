-- Rows that DEFAULT already holds for the new range move in the same transaction. The lock on
-- DEFAULT comes first: a row that slipped in between the move and the attach would make the attach
-- fail. Callers set a lock_timeout and try again; a statement that waits for these locks makes
-- every other one wait behind it.
--
-- Bounds are the same whatever zone and style the session prints instants in. A partition that
-- begins or ends at another hour keeps what it has, and its neighbour gets the rest.
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
        from (values ('job', 'id', 'week'), ('run', 'job_id', 'week'), ('step', 'job_id', 'week'), ('output', 'job_id', 'week'),
                     ('event', 'at', 'day'), ('fire', 'scheduled_for', 'week'))
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

comment on function make_partitions is
    'Make the partitions of the coming weeks (job, run, step, output, fire) and days (event), and name those that were missing.';
