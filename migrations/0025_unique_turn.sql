-- Taking a unique key, in turn. As it was (0016), but for three things:
--
-- Those that would take the place of a job that waits (replace, debounce) go one after another: each holds a lock of the key
-- until its transaction ends. Else rivals use up the looks of one that is slower, and its arguments are lost.
-- A key that is past is deleted and made anew, where it was updated: who loses the race for an updated row keeps a lock of it.
-- And when nothing comes of all looks, it is an error that another try mends, not an answer.
--
-- No circle of waits. Whoever takes a key does it in this order: turn, work of the holder, row of the key. What ends jobs
-- (settle, give-back, cancel, expire, call-off, rescue) takes work before keys, and never a turn; claims and parking take
-- work alone, erasing neither; pruning skips what is locked, and a repair touches keys without work alone. A requeue takes
-- rows of keys that are past or new, and its work is a new row. Who has written the row of a key himself does not wait for
-- his turn: the one whose turn it is may wait for him. A bulk takes its keys in their order. What is left is the order
-- of several: a transaction that takes keys one by one, a requeue, repair or call-off of many may meet another one that took
-- two of the same in the opposite order, and Postgres ends one of them (40P01), as it ever did.
create or replace function hold_key(wanted bytea, new_job uuid, after interval, mode text, out holder uuid, out due timestamptz)
    language plpgsql volatile
    set search_path from current
    set enable_seqscan = off
as $$
declare
    held  timestamptz;
    turn  bigint;
    turns integer;
begin
    -- Again whenever somebody else was faster: one that skips, claims or ends a job.
    for look in 1..20 loop
        select job_id, held_until into holder, held from unique_key where key = wanted;
        -- A duplicate: it has locked nothing yet.
        if held > clock_timestamp() or (holder is not null and held is null and mode not in ('replace', 'debounce')) then
            return;
        end if;
        if holder is not null and held is null then
            perform from due_work where job_id = holder and session is not null;
            if found then
                return;
            end if;
        end if;
        if look = 1 and mode in ('replace', 'debounce') then
            -- The server has room for 64 locks a connection (max_locks_per_transaction): of many keys only the first ones
            -- are locked, which those who take the same keys meet first.
            turns := coalesce(nullif(current_setting('ordinaut.turns', true), ''), '0');
            if turns < 32 then
                perform set_config('ordinaut.turns', (turns + 1)::text, true);
                turn := hashtextextended(encode(wanted, 'hex'), hashtext(current_schema()));
                -- A row that is seen and in progress was written by this transaction, maybe in a savepoint, whose number is
                -- a later one.
                if not pg_try_advisory_xact_lock(turn) and not exists (
                    select from unique_key
                    cross join lateral (select pg_current_xact_id_if_assigned()::text::bigint as first) own
                    cross join lateral (select (unique_key.xmin::text::bigint - first % (1::bigint << 32) + (1::bigint << 32))
                                                   % (1::bigint << 32) as later) since
                    where key = wanted
                      and case when later < 1::bigint << 31 then pg_xact_status((first + later)::text::xid8) = 'in progress' end
                ) then
                    perform pg_advisory_xact_lock(turn);
                end if;
            end if;
            continue;
        end if;
        if holder is null or held is not null then
            delete from unique_key where key = wanted and held_until <= clock_timestamp();
            insert into unique_key (key, job_id, after_end) values (wanted, new_job, after) on conflict (key) do nothing;
            if found then
                holder := new_job;
                return;
            end if;
            continue;
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
        -- One that ended without anybody saying so, as the scheduler frees it (unique/repair.sql).
        update unique_key
        set held_until = clock_timestamp() + after_end
        where key = wanted and job_id = holder and held_until is null
          and not exists (select from due_work where job_id = holder)
          and not exists (select from parked where job_id = holder);
    end loop;
    raise exception using
        errcode = 'serialization_failure',
        message = format('a unique key changed hands again and again while a job was to take it, last to job %s', holder),
        hint = 'The transaction may be tried again.';
end
$$;

update schema_version set version = 25;
