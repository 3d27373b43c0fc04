-- See flag_cancel_asked.
create or replace function flag_unique() returns smallint
    language sql immutable parallel safe
begin atomic
    select 8::smallint;
end;

comment on function flag_unique is
    'Bit of flags: the job holds a unique key that its end frees.';
