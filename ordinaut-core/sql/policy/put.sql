-- Give the kind $1 the policy $2, put by the agent $3. What is counted of it stays. A kind more
-- than $4 is refused: no row. What the former hours had put off is looked at when every worker
-- knows the new ones, which it reads every five seconds.
with put as (
    insert into ordinaut.kind_policy (kind, policy, set_by)
    select $1::text, $2::jsonb, $3::text
    where exists (select from ordinaut.kind_policy where kind = $1::text)
       or (select count(*) from ordinaut.kind_policy) < $4::bigint
    on conflict (kind) do update
    set policy = excluded.policy, set_by = excluded.set_by, set_at = clock_timestamp()
    returning kind, policy, late, set_at, set_by
), release as (
    insert into ordinaut.kind_release (kind, at)
    select kind, clock_timestamp() + interval '10 seconds' from put
    on conflict (kind) do update set at = excluded.at
)
select * from put
