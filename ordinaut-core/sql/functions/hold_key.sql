-- Each statement here sees what was committed before it, not before the caller's statement: a key
-- that another transaction has committed in between is held. A duplicate locks nothing, so that an
-- open transaction which met one cannot hold up that job's end. If all looks fail, the answer is an
-- error that another try mends.
--
-- A job that waits is replaced in turn (replace, debounce, run_again): each transaction that
-- replaces holds a lock of the key until its end. Else a slow transaction loses every look to its
-- rivals, and its arguments are lost. A key that is past is deleted and inserted anew, not updated:
-- a transaction that loses the race for an updated row keeps a lock on it.
--
-- until_started and run_again are for work that must see the newest state: a job that runs has read
-- what it works on already, so an enqueue from then on needs another run. until_started: the
-- waiting job holds the key, and once a worker has taken it, the next job takes the key over.
-- run_again: a waiting job is replaced; while one runs, the newest waits behind it, parked, until
-- it runs no more. Both change the key of a running job, perhaps in a transaction that stays open
-- for long, and the end of that job must not wait: see unique_key.ends_with_job. Only a job of
-- another mode, or one that was sent back, whose key one of these takes over, waits with its end
-- until that transaction ends. If the job behind a running one ends first, the key is the running
-- one's again: see return_key.
--
-- Locks are taken in one order: turn, work of the holder, row of the key. Statements that end jobs
-- (settle, give back, cancel, expire, rescue) take work before keys, and never a turn;
-- claims and parking take work alone, erasing neither; pruning skips what is locked, and a repair
-- touches keys without work alone. A requeue takes rows of keys that are past or new, and its work
-- is a new row. A transaction that has written the row of a key itself does not wait for its turn:
-- the transaction whose turn it is may wait for that row. A bulk takes its keys in their order.
-- What is left is the order of several keys: two transactions that take the same two in opposite
-- order one by one may deadlock, and Postgres ends one of them (40P01).
--
-- enable_seqscan: plans are kept by the connection, and one that was made while the tables were
-- empty must not read them from end to end.
create or replace function hold_key(wanted bytea, new_job uuid, after interval, mode text, out holder uuid, out due timestamptz,
                         out behind uuid)
    language plpgsql volatile
    set search_path from current
    set enable_seqscan = off
as $$
declare
    held  timestamptz;
    tells boolean;
    ahead uuid;
    runs  boolean;
    turn  bigint;
    turns integer;
begin
    -- Again whenever another transaction was faster: one that skips, claims or ends a job.
    for look in 1..20 loop
        select job_id, held_until, ends_with_job, leader into holder, held, tells, ahead from unique_key where key = wanted;
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
            -- The server has room for 64 locks a connection (max_locks_per_transaction). So only
            -- the first 32 keys that a transaction takes are locked: other transactions that take
            -- the same keys meet these first.
            turns := coalesce(nullif(current_setting('ordinaut_unique.turns', true), ''), '0');
            if turns < 32 then
                perform set_config('ordinaut_unique.turns', (turns + 1)::text, true);
                turn := hashtextextended(encode(wanted, 'hex'), hashtext(current_schema()));
                -- A row that is seen and in progress was written by this transaction, maybe in a
                -- savepoint, whose number is a later one.
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
        if ahead is not null and return_key(wanted, holder, ahead) then
            continue;
        end if;
        if holder is null or held is not null then
            delete from unique_key where key = wanted and job_id = holder and held_until <= clock_timestamp();
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
            -- Deleted and made anew, as above: a repair whose snapshot has the old row must not
            -- take it for this one.
            delete from unique_key where key = wanted and job_id = holder;
            insert into unique_key (key, job_id, ends_with_job, leader)
            values (wanted, new_job, false, case mode when 'run_again' then holder end) on conflict (key) do nothing;
            if found then
                behind := case mode when 'run_again' then holder end;
                holder := new_job;
                return;
            end if;
            continue;
        end if;
        if mode in ('replace', 'debounce', 'run_again') then
            -- The key is passed on and not freed: without flag_unique().
            with deleted_waiting as (
                delete from due_work where job_id = holder and session is null
                returning job_id, run_at, attempt, flags, queue, kind, null::uuid as followed
            ), deleted_parked as (
                delete from parked where job_id = holder
                returning job_id, run_at, attempt, flags, queue, kind, case reason when 'run_again' then key::uuid end as followed
            ), deleted_jobs as (
                select job_id, run_at, attempt, flags & flag_followed() as flags, queue, kind, followed,
                       'replaced by job ' || new_job as reason
                from (select * from deleted_waiting union all select * from deleted_parked) as removed
            ), {{ended_while_waiting}}, passed_on as (
                update unique_key
                set job_id = new_job, after_end = after, ends_with_job = mode <> 'run_again', leader = followed
                from deleted_jobs
                where key = wanted
            )
            select case when mode in ('replace', 'run_again') then run_at end, followed into due, behind from deleted_jobs;
            if found then
                holder := new_job;
                return;
            end if;
        end if;
        -- One that ended without anybody saying so, as the scheduler frees it
        -- (job/unique_repair.sql).
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

comment on function hold_key is
    'Take a unique key for a job that the caller is about to insert. holder: the job that has the key now, the new one or the one that is in its way. due: when a job that was replaced was due, if the new one takes its place. behind: the job that the new one must not run beside; the caller parks the new job with that one as its park key.';
