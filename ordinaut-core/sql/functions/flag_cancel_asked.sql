-- A bit of the column flags. An immutable function without parameters is folded into a constant
-- when a statement is planned.
create or replace function flag_cancel_asked() returns smallint
    language sql immutable parallel safe
begin atomic
    select 1::smallint;
end;

comment on function flag_cancel_asked is
    'Bit of due_work.flags: the job runs, and its worker is asked to stop it.';
