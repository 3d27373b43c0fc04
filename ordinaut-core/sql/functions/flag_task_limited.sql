-- See flag_cancel_asked.
create or replace function flag_task_limited() returns smallint
    language sql immutable parallel safe
begin atomic
    select 32::smallint;
end;

comment on function flag_task_limited is
    'Bit of due_work.flags: limits that its task implies (concurrency_key, max_instances) concern the job, and claims pass it by.';
