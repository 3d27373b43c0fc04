-- Sessions of workers that lease their jobs over HTTP: no other agent may use one.
alter table worker add column agent text;

comment on column worker.agent is
    'The agent that opened the session over HTTP, and alone may use it; null: a worker that has the database itself.';

update schema_version set version = 77;
