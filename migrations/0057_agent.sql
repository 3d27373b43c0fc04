-- Who may call the API: each program or person has an agent, so that one can be told from another,
-- bounded, and shut out alone.
create table agent (
    id         uuid        primary key,
    name       text        collate "C" not null unique,
    scopes     text[]      not null check (array_position(scopes, null) is null),
    queues     text[],
    tenant     text,
    created_by text        not null,
    created_at timestamptz not null default clock_timestamp(),
    expires_at timestamptz,
    revoked_at timestamptz
);

comment on table agent is 'Agents: who may call the API, and what each may do. ordinaut agent list shows them.';
comment on column agent.scopes is 'What it may do, such as jobs:write; admin is everything.';
comment on column agent.queues is 'The only queues that it may use and see; null: all of them.';
comment on column agent.tenant is 'The only tenant whose jobs it sees; null: those of all tenants.';
comment on column agent.created_by is 'The agent that created it.';
comment on column agent.expires_at is 'When it may not call any more.';
comment on column agent.revoked_at is 'Since when it has been shut out.';

-- Several at a time, so that a new secret is in use everywhere before the old one ends.
create table agent_secret (
    id         text        collate "C" primary key,
    agent_id   uuid        not null references agent on delete cascade,
    hash       bytea       not null check (octet_length(hash) = 32),
    created_at timestamptz not null default clock_timestamp(),
    expires_at timestamptz
);
create index agent_secret_agent on agent_secret (agent_id);

comment on table agent_secret is
    'Secrets of agents: only their hashes. A secret is 256 random bits, so that a quick hash (SHA-256) protects it.';
comment on column agent_secret.id is 'The part of a token that finds this row: ord_ID_SECRET.';

update schema_version set version = 57;
