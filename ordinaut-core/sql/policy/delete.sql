-- Take the policy of the kind $1 away. What its hours had put off is let go when every worker knows
-- it, as in put.sql.
with deleted as (
    delete from ordinaut.kind_policy where kind = $1::text returning kind
), release as (
    insert into ordinaut.kind_release (kind, at)
    select kind, clock_timestamp() + interval '10 seconds' from deleted
    on conflict (kind) do update set at = excluded.at
)
select kind from deleted
