-- What a script of migrations begins with: the schema, and the settings of sql/db/session.sql. The
-- connection is that of another tool, which goes on with it: its own settings are kept for
-- script_end.sql. A script that begins after some version is refused by a schema that is at
-- another.
do $$
declare
    found bigint;
begin
    if current_setting('server_encoding') <> 'UTF8' then
        raise exception 'database "%" must be created with encoding UTF8', current_database();
    end if;
    if not exists (select from pg_namespace where nspname = '{schema}') then
        create schema {schema};
    end if;
    if {after} > 0 then
        execute 'select version from {schema}.schema_version' into found;
        if found <> {after} then
            raise exception 'schema {schema} is at version %, and this script begins after version {after}', found;
        end if;
    end if;
    perform set_config('ordinaut_script.' || name, current_setting(name), false), set_config(name, setting, false)
    from (values ('search_path', '{schema}, pg_temp'), ('timezone', 'UTC'), ('datestyle', 'ISO, YMD'),
                 ('standard_conforming_strings', 'on'), ('check_function_bodies', 'on')) as ours (name, setting);
    perform set_config('ordinaut.first_zone', '{zone}', false);
end
$$
