-- The settings that the connection had before script_begin.sql.
do $$
begin
    perform set_config(name, current_setting('ordinaut_script.' || name), false)
    from unnest(array['search_path', 'timezone', 'datestyle', 'standard_conforming_strings', 'check_function_bodies']) as ours (name);
end
$$
