-- The instant at which this life was first seen. It never lies in the future, though the server may
-- have started before its clock was set back: such an instant is noted anew as the present, because
-- one that only looks right again after an hour would stop rescue for an hour.
create or replace function takes_writes_since() returns timestamptz
    language plpgsql volatile
    set search_path from current
as $$
declare
    here     integer := server_timeline();
    life_now text := server_life_now();
    noted    timestamptz;
begin
    select since into noted from server_life
    where timeline = here and life = life_now and since <= clock_timestamp();
    if found then
        return noted;
    end if;
    insert into server_life (timeline, life, since) values (here, life_now, clock_timestamp())
    on conflict (timeline) do update set life = excluded.life, since = clock_timestamp()
    where server_life.life is distinct from excluded.life or server_life.since > clock_timestamp();
    select since into noted from server_life where timeline = here;
    return noted;
end
$$;

comment on function takes_writes_since is
    'Since when this server has taken writes and lost nothing. Notes a life of the server that it sees first.';
