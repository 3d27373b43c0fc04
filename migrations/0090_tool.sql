-- What kinds of jobs, and tools of pipelines, take and return. It is read whole, by processes that
-- keep it: a job of a kind that is not in it costs a look into a map.
create table tool (
    name          text        collate "C" primary key,
    definition    jsonb       not null check (jsonb_typeof(definition) = 'object'),
    source        text        not null check (source in ('put', 'worker')),
    version       bigint      not null default 1,
    registered_by text,
    registered_at timestamptz not null default clock_timestamp(),
    updated_at    timestamptz not null default clock_timestamp()
);

comment on table tool is 'The catalogue: JSON Schemas of what jobs of a kind, and steps that use a tool, take and return.';
comment on column tool.name is 'The kind of its jobs, and what a step of a pipeline uses.';
comment on column tool.definition is
    '{"about": text, "executor": text, "input": JSON Schema, "output": JSON Schema, "timeout": seconds, "scope": word, "cost": number, "uses": http|mcp, "with": object}.';
comment on column tool.source is 'put (by somebody; no worker replaces it), or worker (told by a stock worker when it started).';
comment on column tool.version is 'Grows with each change.';
comment on column tool.registered_by is 'The agent that put it, or the version of the worker.';

update schema_version set version = 90;
