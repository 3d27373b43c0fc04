-- Grant EXECUTE on the functions of the schema that was migrated to the roles that have USAGE on
-- it. Postgres grants it to everybody, unless default privileges took that away. The functions do
-- nothing that their caller may not do.
do $$
declare
    user_of record;
begin
    for user_of in
        select distinct grantee::regrole::text as role
        from pg_namespace cross join aclexplode(nspacl)
        where nspname = current_schema() and privilege_type = 'USAGE' and grantee <> 0 and grantee <> nspowner
          and exists (select from pg_proc
                      where pronamespace = pg_namespace.oid and pg_has_role(proowner, 'usage')
                        and not has_function_privilege(grantee, pg_proc.oid, 'execute'))
    loop
        execute format('grant execute on all functions in schema %I to %s', current_schema(), user_of.role);
    end loop;
end
$$
