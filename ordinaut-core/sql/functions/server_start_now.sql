-- pg_postmaster_start_time() does not change when one backend crashes and all are started anew; the
-- statistics are reset then, all of them at one instant. The earliest of two resets is taken,
-- because a person who resets one of them by hand ends nothing.
create or replace function server_start_now() returns text
    language sql volatile
    set search_path from current
as $$
    select concat_ws(' ', extract(epoch from pg_catalog.pg_postmaster_start_time())::text,
                     extract(epoch from least(bgwriter.stats_reset, archiver.stats_reset))::text)
    from pg_catalog.pg_stat_bgwriter as bgwriter, pg_catalog.pg_stat_archiver as archiver
$$;

comment on function server_start_now is
    'What tells this start of the server from the one before; the crash of a backend starts it anew too.';
