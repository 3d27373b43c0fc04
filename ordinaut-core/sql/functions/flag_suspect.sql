-- See flag_cancel_asked.
create or replace function flag_suspect() returns smallint
    language sql immutable parallel safe
begin atomic
    select 2::smallint;
end;

comment on function flag_suspect is
    'Bit of flags: the job was lost twice in its life. One of its kind at a time runs in a process, and its next loss counts as a failure.';
