-- Passwords, with which people sign in to the page. A program has tokens. A row of its own, so that
-- lists of agents neither read nor can show the hash, and so that guesses lock no row of an agent.
create table agent_password (
    agent_id     uuid        primary key references agent on delete cascade,
    hash         text        not null,
    set_at       timestamptz not null default clock_timestamp(),
    failures     integer     not null default 0,
    locked_until timestamptz
);

comment on table agent_password is 'Passwords of agents, for the page: only their hashes (argon2id).';
comment on column agent_password.hash is 'What argon2id made of the password, in the form $argon2id$...';
comment on column agent_password.failures is 'Attempts to sign in since the last one that was right.';
comment on column agent_password.locked_until is 'Until then no password is looked at: too many were wrong.';

-- Roles for reports must not see hashes. A role that roles.sql made before this table
-- got the right to read it by default privileges.
do $$ begin
    if exists (select from pg_roles where rolname = 'ordinaut_read') then
        revoke all on agent_password from ordinaut_read;
    end if;
end $$;

update schema_version set version = 84;
