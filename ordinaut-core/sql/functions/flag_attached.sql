-- See flag_cancel_asked.
create or replace function flag_attached() returns smallint
    language sql immutable parallel safe
begin atomic
    select 256::smallint;
end;

comment on function flag_attached is
    'Bit of due_work.flags: the job was given parameters while it ran. It stays for the job''s life.';
