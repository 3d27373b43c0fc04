-- See flag_cancel_asked.
create or replace function flag_limited() returns smallint
    language sql immutable parallel safe
begin atomic
    select 4::smallint;
end;

comment on function flag_limited is
    'Bit of due_work.flags: the lease takes room of limits (limit_slot).';
