-- See flag_cancel_asked.
create or replace function flag_placed() returns smallint
    language sql immutable parallel safe
begin atomic
    select 128::smallint;
end;

comment on function flag_placed is
    'Bit of due_work.flags: the job says what it requires of its worker, and claims pass it by.';
