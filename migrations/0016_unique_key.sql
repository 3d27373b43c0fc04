-- Keys of unique jobs: who holds one, and until when. Jobs without a key never touch this.
--
-- held_until is null while the job has not ended. In due_work and parked such a job has the flag 8, and whatever ends it
-- sets held_until in the same statement; the scheduler deletes what is past.
create table unique_key (
    key        bytea       primary key,
    job_id     uuid        not null,
    after_end  interval    not null default '0' check (after_end >= interval '0'),
    held_until timestamptz
) with (fillfactor = 70);

create index unique_key_job_id on unique_key (job_id);
create index unique_key_held_until on unique_key (held_until) where held_until is not null;

-- What a requeue takes again.
alter table job add column unique_key bytea, add column unique_after_end interval;
alter table dead_letter add column unique_key bytea, add column unique_after_end interval;

-- A readable key, hashed; with a period (in seconds) the one of this period, by this clock.
create function unique_key_hash(key text, period double precision default null) returns bytea
    language sql volatile
as $$
    select sha256(convert_to(key || coalesce('@' || floor(extract(epoch from clock_timestamp()) / period)::bigint, ''), 'UTF8'))
$$;

-- Take a key for a job that the caller is about to insert. The answer is who holds it now: that job, or the one that is in
-- its way; and where the new job takes the place of one that waited, when that was due.
--
-- Each statement here sees what was committed before it, not before the caller's statement: a key that was committed
-- meanwhile is held. A duplicate locks nothing, so that an open transaction which met one cannot hold up that job's end.
-- A holder that waits is ended under the lock of its work, and only then the key changes hands: whoever ends a job takes
-- these locks in the same order, so that nobody waits in a circle.
--
-- Its plans are kept by the connection: one that was made while the tables were empty must not read them from end to end.
create function hold_key(wanted bytea, new_job uuid, after interval, mode text, out holder uuid, out due timestamptz)
    language plpgsql volatile
    set search_path from current
    set enable_seqscan = off
as $$
declare
    held timestamptz;
begin
    -- Again whenever somebody else was faster; in the end, whoever it was that held it last.
    for look in 1..20 loop
        select job_id, held_until into holder, held from unique_key where key = wanted;
        if not found then
            insert into unique_key (key, job_id, after_end) values (wanted, new_job, after) on conflict (key) do nothing;
            if found then
                holder := new_job;
                return;
            end if;
            continue;
        end if;
        if held <= clock_timestamp() then
            update unique_key set job_id = new_job, after_end = after, held_until = null
            where key = wanted and held_until <= clock_timestamp();
            if found then
                holder := new_job;
                return;
            end if;
            continue;
        end if;
        if held is not null or mode not in ('replace', 'debounce') then
            return;
        end if;
        with waited as (
            delete from due_work where job_id = holder and session is null
            returning job_id, run_at, attempt, queue, kind
        ), set_aside as (
            delete from parked where job_id = holder
            returning job_id, run_at, attempt, queue, kind
        ), gone as (
            select * from waited union all select * from set_aside
        ), ended as (
            insert into run (job_id, attempt, outcome, error)
            select job_id, attempt + 1, 'cancelled', 'replaced by job ' || new_job
            from gone
        ), counted as (
            insert into outcome_count (queue, outcome, ended) select queue, 'cancelled', 1 from gone
        ), told as (
            insert into outbox (type, queue, kind, job_ids, attempts)
            select 'cancelled', queue, kind, array[job_id], array[attempt + 1]
            from gone
        ), passed_on as (
            update unique_key set job_id = new_job, after_end = after from gone where key = wanted
        )
        select case mode when 'replace' then run_at end into due from gone;
        if found then
            holder := new_job;
            return;
        end if;
        perform from due_work where job_id = holder and session is not null;
        if found then
            return;
        end if;
    end loop;
end
$$;

-- As it was (0011), with a key: while another job holds it none is made, and the answer is that one's id. A function with
-- one parameter more is another one to Postgres, so the old one goes; every call of it means the new one.
drop function enqueue(text, jsonb, text, integer, timestamptz, interval, integer, interval, text[]);

create function enqueue(
    kind         text,
    args         jsonb       default '{}',
    queue        text        default 'default',
    priority     integer     default 5,
    run_at       timestamptz default null,
    delay        interval    default null,
    max_attempts integer     default null,
    timeout      interval    default null,
    tags         text[]      default '{}',
    unique_key   text        default null
) returns uuid
    language sql volatile
    set search_path from current
as $$
    with new as materialized (
        select uuid_v7() as id,
               coalesce(enqueue.run_at, clock_timestamp() + enqueue.delay) as scheduled_for,
               -- As the library writes Unique::by_kind().key(…).
               unique_key_hash('{"key":' || to_json(enqueue.unique_key) || ',"kind":' || to_json(enqueue.kind) || '}') as key
    ), held as materialized (
        select new.*, case when new.key is null then new.id else (hold_key(new.key, new.id, '0', 'skip')).holder end as holder
        from new
    ), asked as materialized (
        select * from held where holder = id
    ), new_job as (
        insert into job (id, kind, queue, args, priority, max_attempts, timeout, tags, scheduled_for, unique_key, unique_after_end)
        select asked.id, enqueue.kind, enqueue.queue, enqueue.args, enqueue.priority::smallint,
               enqueue.max_attempts::smallint, enqueue.timeout, enqueue.tags, asked.scheduled_for, asked.key,
               case when asked.key is not null then interval '0' end
        from asked
    ), new_work as (
        insert into due_work (run_at, job_id, priority, queue, kind, flags)
        select greatest(coalesce(asked.scheduled_for, clock_timestamp()), clock_timestamp()), asked.id,
               enqueue.priority::smallint, enqueue.queue, enqueue.kind, case when asked.key is null then 0 else 8 end
        from asked
    ), told as (
        insert into outbox (type, queue, kind, job_ids, attempts)
        select 'enqueued', enqueue.queue, enqueue.kind, array[asked.id], '{0}'
        from asked
    )
    select held.holder
    from held
    left join lateral (
        -- Within the commit it holds a lock that all producers share, so that only a worker that waits is woken.
        select pg_notify(current_schema(), enqueue.queue)
        where exists (
            select from worker where waiting and ended_at is null and enqueue.queue = any(queues)
        )
    ) woken on true
$$;

update schema_version set version = 16;
