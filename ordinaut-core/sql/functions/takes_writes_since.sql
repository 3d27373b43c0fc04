-- The instant at which this start was first seen. It never lies in the future, though the server
-- may have started before its clock was set back: such an instant is noted anew as the present,
-- because one that only looks right again after an hour would stop rescue for an hour.
create or replace function takes_writes_since() returns timestamptz
    language plpgsql volatile
    set search_path from current
as $$
declare
    here     integer := server_timeline();
    started  text := server_start_now();
    noted    timestamptz;
begin
    select since into noted from server_start
    where timeline = here and start = started and since <= clock_timestamp();
    if found then
        return noted;
    end if;
    insert into server_start (timeline, start, since) values (here, started, clock_timestamp())
    on conflict (timeline) do update set start = excluded.start, since = clock_timestamp()
    where server_start.start is distinct from excluded.start or server_start.since > clock_timestamp();
    select since into noted from server_start where timeline = here;
    return noted;
end
$$;

comment on function takes_writes_since is
    'Since when this server has taken writes and lost nothing. Notes a start of the server that it sees first.';
