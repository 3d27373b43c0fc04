-- Some hosts of Postgres do not let everybody know it; restarts are noticed there by other means.
create or replace function server_timeline() returns integer
    language plpgsql volatile
    set search_path from current
as $$
begin
    return ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::integer;
exception when others then
    return 0;
end
$$;

comment on function server_timeline is
    'The WAL timeline of this server, which a promotion changes; 0 where it cannot be read.';
