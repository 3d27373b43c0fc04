-- Three roles, each with what it needs and no more. Run by roles.sh as a superuser, as often as you
-- like, in the database that is meant; passwords come in the environment, so that no list of
-- processes shows them.
--
--   ordinaut_owner    owns the schema: migrations, and the scheduler, whose duty it is to make and
--   drop partitions ordinaut_service  api, worker, command line: rows, no tables ordinaut_read
--   psql and dashboards: looks, and cannot hold a snapshot for long
\set ON_ERROR_STOP on
set client_min_messages = warning;
-- This runs as a superuser in a database where others may create functions: a name without its
-- schema must never mean one of theirs. Ours are named with their schema throughout.
set search_path = pg_catalog, pg_temp;
\getenv schema DATABASE_SCHEMA
\getenv owner_password OWNER_PASSWORD
\getenv service_password SERVICE_PASSWORD
\getenv read_password READ_PASSWORD

-- A statement with a password must not reach the server's log, not even when it is slow.
set log_min_duration_statement = -1;
set log_statement = 'none';
set log_min_error_statement = 'panic';

begin;
-- Two of these at once would trip over each other.
select pg_advisory_xact_lock(hashtext('ordinaut.roles'));

select format('create role %I login', name)
from unnest(array['ordinaut_owner', 'ordinaut_service', 'ordinaut_read']) as name
where not exists (select from pg_roles where rolname = name)
\gexec
-- An empty password leaves the old one.
select format('alter role %I password %L', name, password)
from (values ('ordinaut_owner', :'owner_password'), ('ordinaut_service', :'service_password'),
             ('ordinaut_read', :'read_password')) as given(name, password)
where password <> ''
\gexec

select current_database() as database
\gset
revoke all on database :"database" from public;
revoke create on schema public from public;
grant connect, temporary on database :"database" to ordinaut_service;
grant connect on database :"database" to ordinaut_read;
-- No right to create schemas: the next statement makes the one that it needs.
grant connect, temporary on database :"database" to ordinaut_owner;

select format('create schema if not exists %I authorization ordinaut_owner', :'schema')
\gexec
-- A schema that was there, restored or made by a first migration as somebody else, changes hands
-- with all that is in it.
select format('alter schema %I owner to ordinaut_owner', :'schema')
\gexec
select format('alter %s %I.%I owner to ordinaut_owner',
              case relkind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence' else 'table' end,
              nspname, relname)
from pg_class join pg_namespace on pg_namespace.oid = relnamespace
where nspname = :'schema' and relkind in ('r', 'p', 'v', 'm', 'S')
  and relowner <> 'ordinaut_owner'::regrole
  -- Sequences of columns follow their tables, and may not be given away alone.
  and not exists (select from pg_depend where classid = 'pg_class'::regclass and objid = pg_class.oid and deptype in ('a', 'i') and relkind = 'S')
\gexec
select format('alter routine %s owner to ordinaut_owner', pg_proc.oid::regprocedure)
from pg_proc join pg_namespace on pg_namespace.oid = pronamespace
where nspname = :'schema' and proowner <> 'ordinaut_owner'::regrole
\gexec

grant usage on schema :"schema" to ordinaut_service, ordinaut_read;
grant select, insert, update, delete on all tables in schema :"schema" to ordinaut_service;
grant usage, select on all sequences in schema :"schema" to ordinaut_service;
grant select on all tables in schema :"schema" to ordinaut_read;
-- Where default privileges took this from everybody.
select format('revoke all on %I.%I from ordinaut_read', nspname, relname)
from pg_namespace cross join unnest(array['webhook_secret', 'agent_password']) as relname
where nspname = :'schema' and to_regclass(format('%I.%I', nspname, relname)) is not null
\gexec
grant execute on all functions in schema :"schema" to ordinaut_service, ordinaut_read;
-- And on what comes: later migrations, and every week's partitions.
alter default privileges for role ordinaut_owner in schema :"schema"
    grant select, insert, update, delete on tables to ordinaut_service;
alter default privileges for role ordinaut_owner in schema :"schema" grant usage, select on sequences to ordinaut_service;
alter default privileges for role ordinaut_owner in schema :"schema" grant select on tables to ordinaut_read;
-- How far the schema is, only migrations say.
select format('revoke insert, update, delete on %I.%I from ordinaut_service', :'schema', relname)
from unnest(array['schema_version', 'schema_migration']) as relname
where to_regclass(format('%I.%I', :'schema', relname)) is not null
\gexec

-- What has happened stays: of history the service may change only what its statements do (erasing,
-- requeueing), as the function keep_history says, and partitions it reaches through their tables.
select format('revoke %s on %I.%I from ordinaut_service', rights, nspname, relname)
from (values ('job', 'update, delete'), ('run', 'update, delete'), ('dead_letter', 'update'), ('event', 'update, delete'),
             ('fire', 'update, delete'), ('event_fire', 'update, delete'), ('outbox', 'update, delete'),
             ('outcome_count', 'update, delete'), ('audit', 'update, delete')) as history(name, rights)
join pg_class on relname = history.name join pg_namespace on pg_namespace.oid = relnamespace
where nspname = :'schema'
\gexec
select format('grant update (%s) on %I.%I to ordinaut_service', columns, nspname, relname)
from (values ('job', 'args, tags, trace_context, unique_key, unique_after_end, queue, priority, max_attempts'), ('run', 'error, output'),
             ('dead_letter', 'args')) as history(name, columns)
join pg_class on relname = history.name join pg_namespace on pg_namespace.oid = relnamespace
where nspname = :'schema'
  -- An older schema lacks some of them, and its next migration grants the rest.
  and not exists (select from string_to_table(columns, ', ') as named(column_name)
                  where not exists (select from pg_attribute where attrelid = pg_class.oid and attname = column_name))
\gexec
select format('revoke insert, update, delete on %I.%I from ordinaut_service', nspname, partition.relname)
from pg_inherits
join pg_class parent on parent.oid = inhparent
join pg_class partition on partition.oid = inhrelid
join pg_namespace on pg_namespace.oid = partition.relnamespace
where nspname = :'schema' and parent.relname in ('job', 'run', 'event', 'fire')
\gexec

-- Who holds the oldest snapshot is seen only by those who may see other roles' sessions.
grant pg_read_all_stats to ordinaut_owner, ordinaut_service, ordinaut_read;

-- select count(*) from due_work works as typed. public comes first for the role that an application
-- may use too: its own tables are made there, and never beside ours.
alter role ordinaut_owner in database :"database" set search_path = :"schema", public;
alter role ordinaut_service in database :"database" set search_path = public, :"schema";
alter role ordinaut_read in database :"database" set search_path = :"schema", public;
-- Not for the superuser: functions of the owner would be found before Postgres' own. An earlier
-- version set it.
select format('alter role %I in database %I reset search_path', current_user, :'database')
where exists (
    select from pg_db_role_setting join pg_database on pg_database.oid = setdatabase
    where datname = :'database' and setrole = current_user::regrole
      and format('search_path=%s, public', quote_ident(:'schema')) = any(setconfig)
)
\gexec
-- A report that runs for an hour, or a psql that was left open in a transaction, stops vacuum for
-- everybody.
alter role ordinaut_read in database :"database" set default_transaction_read_only = on;
alter role ordinaut_read in database :"database" set statement_timeout = '30s';
alter role ordinaut_read in database :"database" set idle_in_transaction_session_timeout = '60s';
-- Those three are defaults, which a session may change; this is not. Dashboards cannot use up all
-- connections.
alter role ordinaut_read connection limit 20;

-- Another schema of the same database may have this extension already.
create extension if not exists pg_stat_statements schema public;
commit;
