-- How long what ended is kept of a queue that keeps less than the others; null: as the setting says.
alter table queue add column retention interval check (retention > interval '0');

update schema_version set version = 24;
