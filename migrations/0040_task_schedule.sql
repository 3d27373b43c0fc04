-- The schedule of a task beside its definition, as small as that is large: an event looks at the topics of all tasks that wait
-- for one, and a scheduler looks at all conditions each second. Neither reads a task's arguments for that.
alter table task add column schedule jsonb generated always as (definition -> 'schedule') stored;

update schema_version set version = 40;
