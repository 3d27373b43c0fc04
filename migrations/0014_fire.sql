-- Due instants of tasks: each is one row, fired or skipped, whoever was first.
create table fire (
    task_id       uuid        not null,
    scheduled_for timestamptz not null,
    skipped       text        collate "C" check (skipped in ('coalesced', 'misfired', 'overlap', 'duplicate', 'snoozed')),
    job_id        uuid,
    at            timestamptz not null default clock_timestamp(),
    primary key (task_id, scheduled_for),
    constraint fired_or_skipped check ((skipped is null) = (job_id is not null))
) partition by range (scheduled_for);

create table fire_default partition of fire default;

-- Events that reached a task: the same event is one row, and makes one job.
create table event_fire (
    task_id  uuid        not null,
    event_id text        not null check (length(event_id) between 1 and 200),
    topic    text        not null,
    skipped  text        collate "C" check (skipped in ('overlap')),
    job_id   uuid,
    at       timestamptz not null default clock_timestamp(),
    primary key (task_id, event_id),
    constraint fired_or_skipped check ((skipped is null) = (job_id is not null))
);

-- As it was (0010), with the weeks of fire.
create or replace function make_partitions(weeks integer default 4, days integer default 7) returns setof text
    language plpgsql
    set search_path from current
as $$
declare
    wanted record;
    part   text;
begin
    perform pg_advisory_xact_lock(hashtext('ordinaut.make_partitions'), hashtext(current_schema()));
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
        continue when to_regclass(part) is not null;
        execute format('lock table %I in access exclusive mode', wanted.parent || '_default');
        execute format('create table %I (like %I including all)', part, wanted.parent);
        execute format(
            'with moved as (delete from %1$I where %2$I >= %3$L and %2$I < %4$L returning *) insert into %5$I select * from moved',
            wanted.parent || '_default', wanted.key, wanted.low_bound, wanted.high_bound, part);
        execute format('alter table %I attach partition %I for values from (%L) to (%L)',
            wanted.parent, part, wanted.low_bound, wanted.high_bound);
        return next part;
    end loop;
end
$$;

select make_partitions();
