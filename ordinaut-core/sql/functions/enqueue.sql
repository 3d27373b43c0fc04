-- For triggers and for other languages; docs/sql.md describes it. It takes what the library and
-- HTTP take, and refuses what they refuse: an error that names the field, and not a job that nobody
-- can run. A test gives the same jobs to all doors. The library's own statement is
-- sql/job/enqueue.sql.
create or replace function enqueue(
    kind         text,
    args         jsonb       default '{}',
    queue        text        default 'default',
    priority     integer     default 5,
    run_at       timestamptz default null,
    delay        interval    default null,
    max_attempts integer     default null,
    timeout      interval    default null,
    tags         text[]      default '{}',
    unique_key   text        default null,
    tenant       text        default null,
    backoff      jsonb       default null,
    unique_by    jsonb       default null,
    traceparent  text        default null,
    placement    jsonb       default null
) returns uuid
    language plpgsql volatile
    set search_path from current
as $$
-- Parameters have the names of columns.
#variable_conflict use_column
declare
    new_id        uuid := uuid_v7();
    rule          jsonb := enqueue.unique_by;
    fault         text;
    key           bytea;
    holder        uuid;
    place         timestamptz;
    leader        uuid;
    first_due     timestamptz;
    mark          smallint;
    planned_for   timestamptz;
begin
    fault := case
        when name_fault(enqueue.kind) is not null then 'kind ' || name_fault(enqueue.kind)
        when queue_fault(enqueue.queue) is not null then 'queue ' || queue_fault(enqueue.queue)
        when (enqueue.priority between 1 and 9) is not true then 'priority must be from 1 (most urgent) to 9'
        when enqueue.run_at is not null and enqueue.delay is not null then 'delay and run_at exclude each other: give one'
        when enqueue.run_at not between '4001-01-01 00:00:00+00 BC' and '9999-12-31 23:59:59.999999+00'
            then 'run_at must be between the years -4000 and 9999'
        when enqueue.delay < interval '0' or enqueue.delay > interval '36600 days' then 'delay must be from nothing to a hundred years'
        when enqueue.max_attempts not between 1 and 32767 then 'max_attempts must be from 1 to 32767'
        when enqueue.timeout not between interval '1 millisecond' and interval '366 days'
            then 'timeout must be from a millisecond to a year'
        when tags_fault(enqueue.tags) is not null then 'tags ' || tags_fault(enqueue.tags)
        when enqueue.tenant is not null and name_fault(enqueue.tenant) is not null then 'tenant ' || name_fault(enqueue.tenant)
        when args_fault(enqueue.args) is not null then 'args ' || args_fault(enqueue.args)
        when backoff_fault(enqueue.backoff) is not null then 'backoff ' || backoff_fault(enqueue.backoff)
        when unique_fault(rule) is not null then 'unique_by' || unique_fault(rule)
        when enqueue.unique_key is not null and length(enqueue.unique_key) not between 1 and 1000
            then 'unique_key must be of 1 to 1000 characters'
        when enqueue.unique_key is not null and rule ? 'key' then 'unique_key and unique_by.key exclude each other: give one'
        when placement_fault(enqueue.placement) is not null then 'placement' || placement_fault(enqueue.placement)
        when enqueue.traceparent !~ '^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$'
            then 'traceparent must be one of W3C Trace Context, such as 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    end;
    if fault is not null then
        raise exception using errcode = 'invalid_parameter_value', message = fault;
    end if;
    if enqueue.unique_key is not null then
        rule := coalesce(rule, '{}') || jsonb_build_object('key', enqueue.unique_key);
    end if;
    if rule is not null then
        key := unique_key_hash(
            unique_key_text(enqueue.kind, enqueue.args, enqueue.queue, enqueue.tenant, rule), (rule ->> 'period')::double precision);
        select held.holder, held.due, held.behind into holder, place, leader
        from hold_key(key, new_id, make_interval(secs => coalesce((rule ->> 'after_end')::double precision, 0)),
                      coalesce(rule ->> 'mode', 'skip')) as held;
        if holder <> new_id and rule ->> 'mode' = 'error' then
            raise exception using errcode = 'unique_violation', message = format('job %s holds the unique key', holder);
        elsif holder <> new_id then
            return holder;
        end if;
    end if;
    planned_for := coalesce(enqueue.run_at, clock_timestamp() + enqueue.delay);
    first_due := greatest(coalesce(place, planned_for), clock_timestamp());
    mark := case when key is null or rule ->> 'mode' in ('until_started', 'run_again') then 0 else flag_unique() end
        | case when enqueue.placement is null then 0 else flag_placed() end;
    with new as (
        select new_id as id, enqueue.kind, enqueue.queue, enqueue.args, enqueue.priority, enqueue.max_attempts, enqueue.timeout,
               enqueue.tags, enqueue.backoff, null::uuid as task_id, enqueue.tenant, enqueue.traceparent as trace_context,
               planned_for as scheduled_for, key as unique_key,
               case when key is not null then make_interval(secs => coalesce((rule ->> 'after_end')::double precision, 0)) end
                   as unique_after_end, null::uuid as batch_id, enqueue.placement,
               first_due as due, mark as flags,
               case when leader is not null then 'run_again' end as park_reason, leader::text as park_key
    ), {{enqueued}}
    select id into new_id from new;
    if enqueue.placement is not null then
        perform set_apart(array[new_id]);
    end if;
    -- Within the commit it holds a lock that all producers share, so that only a worker that waits
    -- is woken.
    perform pg_notify(current_schema(), enqueue.queue)
    where leader is null and exists (select from worker where waiting and ended_at is null and enqueue.queue = any(worker.queues));
    return new_id;
end
$$;

comment on function enqueue is
    'Enqueue a job in the caller''s transaction, and answer with its id, or with the id of the job that holds its unique key. Workers see it after the commit.';
