-- A turn of a target whose calls are limited, for a call that the attempt of a job is about to
-- make. Each statement here sees what was committed before it, not before the caller's statement:
-- turns that others took while this one waited for the target's row are counted.
--
-- A turn is held until its call gives it back, and no longer than the lease of its job. So a worker
-- that died holds none once its jobs are leased by others, and those are looked for only where no
-- room is left. A look passes by turns that are being given back.
--
-- It is durable, as claims are not: a turn that was lost would let another call begin beside it.
-- enable_seqscan: plans are kept by the connection, and one that was made while the tables were
-- empty must not read them from end to end.
create or replace function take_target_turn(of_target text, of_call uuid, of_job uuid, of_attempt integer,
                                            of_session bigint) returns double precision
    language plpgsql volatile
    set search_path from current
    set enable_seqscan = off
as $$
declare
    most   integer;
    pace   double precision;
    filled double precision;
begin
    select (definition ->> 'concurrency')::integer, rates.pace,
           least(coalesce(tokens + rates.pace * greatest(extract(epoch from clock_timestamp() - filled_at), 0)::float8, rates.depth),
                 rates.depth)
    into most, pace, filled
    from target
    cross join lateral (
        select (definition ->> 'rate')::float8 as pace, greatest((definition ->> 'rate')::float8 / 10, 1) as depth
    ) rates
    where name = of_target
    for update of target;
    if not found then
        return 0;
    end if;
    if (select count(*) from target_turn where target = of_target) >= most then
        delete from target_turn
        where target = of_target and call = any(array(
            select turn.call
            from target_turn turn
            where turn.target = of_target
              and not exists (
                  select from due_work
                  where due_work.job_id = turn.job_id and due_work.attempt = turn.attempt and due_work.session = turn.session)
            for update skip locked));
        if (select count(*) from target_turn where target = of_target) >= most then
            return 'infinity';
        end if;
    end if;
    if filled < 1 then
        return (1 - filled) / pace;
    end if;
    update target set tokens = filled - 1, filled_at = clock_timestamp() where name = of_target and pace is not null;
    insert into target_turn (target, call, job_id, attempt, session)
    select of_target, of_call, of_job, of_attempt, of_session where most is not null;
    return 0;
end
$$;

comment on function take_target_turn is
    'Begin a call of a target whose calls are limited: 0 if it may begin, else seconds until one may (infinity: until another ends).';
