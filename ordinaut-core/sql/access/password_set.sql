-- Set the password of the agent named $1, of which $2 is the hash, or take it away if that is null.
-- Its browsers are signed out, so that the old password lets nobody stay.
with named as materialized (
    select id from ordinaut.agent where name = $1::text for update
), written as (
    insert into ordinaut.agent_password (agent_id, hash)
    select id, $2::text from named where $2::text is not null
    on conflict (agent_id) do update
    set hash = excluded.hash, set_at = clock_timestamp(), failures = 0, locked_until = null
), taken_away as (
    delete from ordinaut.agent_password using named where agent_id = named.id and $2::text is null
), signed_out as (
    delete from ordinaut.browser_session using named where agent_id = named.id
)
select exists (select from named)
