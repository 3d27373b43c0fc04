-- The first function of the schema $1 that we may not execute, and who we are.
select current_user::text, proname::text
from pg_proc
where pronamespace = to_regnamespace($1::text) and not has_function_privilege(oid, 'execute')
order by proname
limit 1
