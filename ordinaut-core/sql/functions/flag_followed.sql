-- See flag_cancel_asked.
create or replace function flag_followed() returns smallint
    language sql immutable parallel safe
begin atomic
    select 64::smallint;
end;

comment on function flag_followed is
    'Bit of due_work.flags: somebody follows the job, and its end is a row of followed_end. It stays for the job''s life.';
