-- Who changed what through the API: each call that changes something, or would have. The service
-- may add rows and read them; only the owner of the tables, as which the scheduler runs, deletes
-- those that are past retention.
create table audit (
    n          bigint      generated always as identity primary key,
    at         timestamptz not null default clock_timestamp(),
    actor      text        not null,
    action     text        not null,
    subject    text,
    status     smallint    not null,
    reason     text,
    request_id text,
    before     jsonb,
    after      jsonb
);
create index audit_at on audit (at);
create index audit_subject on audit (subject, n);
create index audit_actor on audit (actor, n);

comment on table audit is 'Calls of the API that changed something, or were refused: who, what, when, with which answer. Append-only.';
comment on column audit.actor is 'The agent that called; admin is the token of API_ADMIN_TOKEN.';
comment on column audit.action is 'Method and route, such as POST /tasks/{id}/pause.';
comment on column audit.subject is 'The id or name that the call was about.';
comment on column audit.status is 'The status that it was answered with.';
comment on column audit.reason is 'What the caller gave as its reason, in the header Audit-Reason.';
comment on column audit.before is 'What the subject was, for tasks, queues, limits and agents; secrets are masked.';
comment on column audit.after is 'What the call answered, and so what the subject is now; secrets are masked.';

update schema_version set version = 59;
