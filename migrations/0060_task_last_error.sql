-- The name that this has elsewhere. An older binary does not know it, but none has been released: the
-- oldest that may use the schema stays the first release.
alter table task rename column trouble to last_error;

update schema_version set version = 60, oldest_binary = '0.1.0';
