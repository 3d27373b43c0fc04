create table outcome_count (
    queue   text   collate "C" not null,
    outcome text   collate "C" not null,
    ended   bigint not null check (ended > 0)
);

-- A table without a primary key has to say what identifies a row that is deleted. Without it a
-- publication of all tables (`create publication ... for all tables`) makes every delete from this
-- table an error, and pruning stops. Where nothing is published it costs nothing. `create table`
-- cannot say it.
alter table outcome_count replica identity full;

comment on table outcome_count is
    'Ends of attempts that no living session counts: those of sessions whose rows were pruned, and those that ended without a session. Appended, so that nobody waits; added up by the scheduler. Their sum never falls.';

update schema_version set version = 6;
