-- Sets flag_followed() wherever each job is now, so that its end becomes a row of followed_end. A
-- job moves between due_work and parked, and its row in due_work is replaced by a retry: so after
-- the updates one snapshot says where each job is, in one of both or ended, and what moved is
-- looked for again.
--
-- A settle that is under way has its row locked: this waits for it, and finds the job ended. With
-- waits => false it passes by every row that somebody else has locked, a handler that settles in
-- its own transaction for example, and answers busy.
create or replace function follow(job_ids uuid[], waits boolean default true) returns table (job_id uuid, outcome text)
    language plpgsql volatile
    set search_path from current
    set enable_seqscan = off
as $$
#variable_conflict use_column
declare
    unmarked uuid[] := follow.job_ids;
    ended    uuid[];
begin
    for look in 1..20 loop
        -- In the order of their ids, so that two of these never wait in a circle.
        if follow.waits then
            update due_work set flags = flags | flag_followed()
            where ctid = any(array(select ctid from due_work
                                   where job_id = any(unmarked) and flags & flag_followed() = 0 order by job_id for update));
            update parked set flags = flags | flag_followed()
            where ctid = any(array(select ctid from parked
                                   where job_id = any(unmarked) and flags & flag_followed() = 0 order by job_id for update));
        else
            update due_work set flags = flags | flag_followed()
            where ctid = any(array(select ctid from due_work where job_id = any(unmarked) and flags & flag_followed() = 0
                                   order by job_id for update skip locked));
            update parked set flags = flags | flag_followed()
            where ctid = any(array(select ctid from parked where job_id = any(unmarked) and flags & flag_followed() = 0
                                   order by job_id for update skip locked));
        end if;
        select array_agg(asked.id) filter (where place.flags & flag_followed() = 0),
               array_agg(asked.id) filter (where place.flags is null)
        into unmarked, ended
        from unnest(follow.job_ids) as asked(id)
        left join lateral (
            select flags from due_work where due_work.job_id = asked.id
            union all
            select flags from parked where parked.job_id = asked.id
        ) place on true;
        exit when unmarked is null or (look > 2 and not follow.waits);
    end loop;
    if follow.waits and unmarked is not null then
        raise exception using
            errcode = 'serialization_failure',
            message = format('job %s moved again and again while it was to be followed', unmarked[1]),
            hint = 'The transaction may be tried again.';
    end if;
    return query
    select asked.id, case
               when exists (select from dead_letter where dead_letter.job_id = asked.id) then 'dead'
               when last.outcome in ('succeeded', 'dead') then last.outcome
               when last.outcome is not null or exists (select from job where job.id = asked.id) then 'cancelled'
               else 'unknown'
           end
    from unnest(ended) as asked(id)
    left join lateral (select outcome from run where run.job_id = asked.id order by attempt desc limit 1) last on true
    union all
    select unnest(unmarked), 'busy';
end
$$;

comment on function follow is
    'Follow jobs: from now on the end of each is a row of followed_end. Answers with those that had ended already (succeeded, cancelled, dead), those that nobody knows (unknown), and with waits => false those that somebody else has locked (busy).';
