-- Names that these have elsewhere. An older binary does not know them, but none has been released:
-- the oldest that may use the schema stays the first release.
alter table task rename column trouble to last_error;

alter table server_life rename to server_start;
alter table server_start rename column life to start;
alter table server_start rename constraint server_life_pkey to server_start_pkey;

-- Its place is taken by server_start_now().
drop function if exists server_life_now();

comment on table server_start is
    'Since when this server has taken writes and lost nothing, by timeline. The first process that sees a new start notes it: takes_writes_since().';
comment on column server_start.start is 'What tells this start of the server from the one before: server_start_now().';

update schema_version set oldest_binary = '0.1.0';
update schema_version set version = 67;
