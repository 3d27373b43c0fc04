-- Each life of the server: since when it takes writes, and what tells this life from the one before. Besides a restart and a
-- promotion, the crash of one backend ends a life: the postmaster lives on, but shared memory is made anew, and
-- commits that had not reached the disk are lost. pg_postmaster_start_time() does not change then; the statistics
-- do, all of them at one instant. The earliest of two resets is taken, because somebody who resets one of them by hand ends
-- nothing. (A row in an unlogged table would vanish too, but each look would have to write it again, and a standby
-- cannot read it.)
alter table server_life add column life text;                -- null: noted before this column

create function server_life_now() returns text
    language sql volatile
    set search_path from current
as $$
    select concat_ws(' ', extract(epoch from pg_catalog.pg_postmaster_start_time())::text,
                     extract(epoch from least(bgwriter.stats_reset, archiver.stats_reset))::text)
    from pg_catalog.pg_stat_bgwriter as bgwriter, pg_catalog.pg_stat_archiver as archiver
$$;

-- Since when the server that answers takes writes and has lost nothing: the instant at which this life was first seen. It
-- never lies in the future, though the server may have started before its clock was set back: such an instant is noted
-- anew as the present, because one that only looks right again after an hour would stop rescue for an hour.
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

-- Sessions that live while the schema is brought forward may not have been able to renew since the last start.
update server_life
set life = server_life_now(),
    since = case when exists (select from worker where ended_at is null)
                 then greatest(since, pg_postmaster_start_time()) else since end
where timeline = server_timeline();

update schema_version set version = 36;
