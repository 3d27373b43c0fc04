-- Only leased jobs count, so that a row which a crash left behind takes nothing.
create or replace function limit_held(limit_name text, at_key text, of_session bigint) returns bigint
    language sql stable
begin atomic
    select coalesce(sum(limit_slot.weight), 0)
    from limit_slot
    join due_work on due_work.job_id = limit_slot.job_id and due_work.session is not null
    where limit_slot.name = limit_name and limit_slot.key = at_key
      and (of_session is null or limit_slot.session = of_session);
end;

comment on function limit_held is
    'The room that running jobs take of a limit under a key: in one session, or in all of them (null).';
