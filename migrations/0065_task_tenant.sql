-- A task belongs to a tenant as its jobs do: who sees one tenant alone sees its tasks, and no
-- others. Tasks without a tenant are not in the index.
alter table task add column tenant text generated always as (definition ->> 'tenant') stored;

create index task_tenant on task (tenant, id) where tenant is not null;

comment on column task.tenant is 'Whose it is, and whose the jobs are that it makes; null: nobody''s.';

update schema_version set version = 65;
