-- Only the owner of the schema says how far it is. Default privileges, which give a service its
-- rows of every table that comes, have given it these two as well; with them it could keep every
-- other process from starting.
do $$
declare
    writer record;
begin
    for writer in
        select distinct relname::text as name,
               case grantee when 0 then 'public' else grantee::regrole::text end as role
        from pg_class cross join aclexplode(relacl)
        where relnamespace = current_schema()::regnamespace and relname in ('schema_version', 'schema_migration')
          and privilege_type in ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE') and grantee <> relowner
          and pg_has_role(relowner, 'usage')
    loop
        execute format('revoke insert, update, delete, truncate on %I.%I from %s', current_schema(), writer.name, writer.role);
    end loop;
end
$$
