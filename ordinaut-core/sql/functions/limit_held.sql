-- Only leased jobs count, so that a row which a crash left behind takes nothing. The jobs of a task
-- that max_instances bounds had room when they were made, and take no slot: those count that run or
-- will be claimed.
create or replace function limit_held(limit_name text, at_key text, of_session bigint) returns bigint
    language sql stable
begin atomic
    select case when limit_name = 'max_instances' then (
        select count(*)
        from task_job
        cross join lateral (
            select from due_work
            where due_work.job_id = task_job.job_id
              and (due_work.session is not null or due_work.flags & flag_task_limited() = 0)
            offset 0
        ) working
        where task_job.task_id = at_key::uuid
    ) else (
        select coalesce(sum(limit_slot.weight), 0)
        from limit_slot
        join due_work on due_work.job_id = limit_slot.job_id and due_work.session is not null
        where limit_slot.name = limit_name and limit_slot.key = at_key
          and (of_session is null or limit_slot.session = of_session)
    ) end;
end;

comment on function limit_held is
    'The room that running jobs take of a limit under a key: in one session, or in all of them (null).';
