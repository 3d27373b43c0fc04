-- A request that names a key is answered as its first was: a client whose connection broke, or
-- whose API process was killed, asks again without doing anything twice.
create table idempotency_key (
    agent        text        collate "C" not null,
    key          text        collate "C" not null,
    request      bytea       not null check (octet_length(request) = 32),
    subject      uuid        not null,
    created_at   timestamptz not null default clock_timestamp(),
    status       smallint    check (status between 200 and 499),
    content_type text,
    location     text,
    body         bytea,
    primary key (agent, key)
);
create index idempotency_key_created_at on idempotency_key (created_at);

comment on table idempotency_key is 'Answers of the API by the agent and the Idempotency-Key of its request, for a day.';
comment on column idempotency_key.request is 'SHA-256 of path and body: another request under the same key is refused.';
comment on column idempotency_key.subject is
    'The id that what the request makes will have, whichever attempt makes it: so the work is done once even if its answer was lost.';
comment on column idempotency_key.status is 'The answer; null: none is known yet, and the next request does the work.';

update schema_version set version = 58;
