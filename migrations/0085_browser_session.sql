-- Browsers that are signed in to the page. They are rows, so that every API process knows them, and
-- so that signing out, revoking an agent or ending its token shuts them out everywhere.
create table browser_session (
    hash          bytea       primary key check (octet_length(hash) = 32),
    agent_id      uuid        references agent on delete cascade,
    secret_id     text        collate "C" references agent_secret on delete cascade,
    settings_hash bytea       check (octet_length(settings_hash) = 32),
    created_at    timestamptz not null default clock_timestamp(),
    expires_at    timestamptz not null,
    check (num_nonnulls(agent_id, settings_hash) = 1)
);
create index browser_session_agent on browser_session (agent_id);
create index browser_session_secret on browser_session (secret_id);
create index browser_session_expires on browser_session (expires_at);

comment on table browser_session is 'Browsers that are signed in to the page.';
comment on column browser_session.hash is 'SHA-256 of the 256 random bits that the browser holds in its cookie.';
comment on column browser_session.agent_id is 'The agent that signed in; null: somebody with the token of API_ADMIN_TOKEN.';
comment on column browser_session.secret_id is 'The secret with which it signed in, and with which it ends; null: not with a token of an agent.';
comment on column browser_session.settings_hash is
    'SHA-256 of the bits in the cookie and API_ADMIN_TOKEN: with another token in the settings the session is over.';

update schema_version set version = 85;
