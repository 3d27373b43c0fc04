-- Two more modes of unique jobs, for work that must see the newest state: a job that runs has read what it works on, and what
-- changes from then on needs another run.
--
-- until_started: who waits holds the key; once a worker has taken it, the next one takes the key over.
-- run_again: who waits is replaced; while one runs, the newest waits behind it, parked, until it runs no more.
--
-- An enqueue that takes a key over from a running job changes the key's row, perhaps in a transaction that stays open for long.
-- The end of the running job must not wait for that transaction. So the keys of such jobs do not end with their job (ends_with_job), which has no flag 8 either: a
-- key whose job has no work is found free by the next enqueue, or by the scheduler's repair. Only a job of another mode, or
-- one that was sent back, whose key one of these takes over, waits with its end until that transaction ends.
alter table unique_key add column ends_with_job boolean not null default true;

alter table parked drop constraint parked_reason_check;
alter table parked add constraint parked_reason_check
    check (reason in ('task_paused', 'concurrency_key', 'limit', 'run_again'));

-- As it was (0025), but for these modes. "behind" is the job that the new one must not run beside: the statement that inserts
-- the new job parks it, with that job as the park key. Its form has one answer more, so that it is made anew.
drop function hold_key(bytea, uuid, interval, text);

create function hold_key(wanted bytea, new_job uuid, after interval, mode text, out holder uuid, out due timestamptz,
                         out behind uuid)
    language plpgsql volatile
    set search_path from current
    set enable_seqscan = off
as $$
declare
    held  timestamptz;
    tells boolean;
    runs  boolean;
    turn  bigint;
    turns integer;
begin
    -- Again whenever somebody else was faster: one that skips, claims or ends a job.
    for look in 1..20 loop
        select job_id, held_until, ends_with_job into holder, held, tells from unique_key where key = wanted;
        -- A duplicate: it has locked nothing yet.
        if held > clock_timestamp()
            or (holder is not null and held is null and tells and mode not in ('replace', 'debounce', 'until_started', 'run_again'))
        then
            return;
        end if;
        runs := false;
        if holder is not null and held is null then
            perform from due_work where job_id = holder and session is not null;
            runs := found;
            if runs and mode not in ('until_started', 'run_again') then
                return;
            end if;
            if not runs and mode not in ('replace', 'debounce', 'run_again') then
                -- Also a job that a worker has taken since that look waited then.
                perform from due_work where job_id = holder union all select from parked where job_id = holder;
                if found then
                    return;
                end if;
            end if;
        end if;
        if look = 1 and mode in ('replace', 'debounce', 'run_again') then
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
            insert into unique_key (key, job_id, after_end, ends_with_job)
            values (wanted, new_job, after, mode not in ('until_started', 'run_again'))
            on conflict (key) do nothing;
            if found then
                holder := new_job;
                return;
            end if;
            continue;
        end if;
        if runs then
            -- Deleted and made anew, as above: a repair whose snapshot has the old row must not take it for this one.
            delete from unique_key where key = wanted and job_id = holder;
            insert into unique_key (key, job_id, ends_with_job) values (wanted, new_job, false) on conflict (key) do nothing;
            if found then
                behind := case mode when 'run_again' then holder end;
                holder := new_job;
                return;
            end if;
            continue;
        end if;
        if mode in ('replace', 'debounce', 'run_again') then
            with waited as (
                delete from due_work where job_id = holder and session is null
                returning job_id, run_at, attempt, queue, kind, null as leader
            ), set_aside as (
                delete from parked where job_id = holder
                returning job_id, run_at, attempt, queue, kind, case reason when 'run_again' then key end as leader
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
                update unique_key
                set job_id = new_job, after_end = after, ends_with_job = mode <> 'run_again'
                from gone
                where key = wanted
            )
            select case when mode in ('replace', 'run_again') then run_at end, leader::uuid into due, behind from gone;
            if found then
                holder := new_job;
                return;
            end if;
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

update schema_version set version = 44;
