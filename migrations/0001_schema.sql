-- What a binary must know before it touches anything else. A migration that an older binary can
-- live with raises the version alone; one that takes something away raises both.
create table schema_version (
    version       bigint not null,
    oldest_binary text   not null,
    singleton     boolean primary key default true check (singleton),
    functions     text
);

comment on table schema_version is 'How new this schema is: one row, which only migrations write.';
comment on column schema_version.version is 'Number of the last migration that was applied.';
comment on column schema_version.oldest_binary is 'The oldest release that may still use this schema; an older one refuses to start.';
comment on column schema_version.functions is
    'Hash of the text of the functions that were applied last; null: none were yet.';

insert into schema_version (version, oldest_binary) values (1, '0.1.0');
