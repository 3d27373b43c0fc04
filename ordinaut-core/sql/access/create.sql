-- Make the agent $1 ($2 its name, $3 its scopes, $4 its queues, $5 its tenant, $6 by whom, $7 when
-- it ends) with the secret $8, of which $9 is the hash. No row: another agent has this name.
with made as (
    insert into ordinaut.agent (id, name, scopes, queues, tenant, created_by, expires_at)
    values ($1::uuid, $2::text, $3::text[], $4::text[], $5::text, $6::text, $7::timestamptz)
    on conflict (name) do nothing
    returning *
), first_secret as (
    insert into ordinaut.agent_secret (id, agent_id, hash)
    select $8::text, made.id, $9::bytea from made
)
select made.*, 1::bigint as secrets from made
