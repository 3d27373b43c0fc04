-- See flag_cancel_asked.
create or replace function flag_lost_once() returns smallint
    language sql immutable parallel safe
begin atomic
    select 16::smallint;
end;

comment on function flag_lost_once is
    'Bit of flags: the worker of an attempt died once; a second time makes the job suspect.';
