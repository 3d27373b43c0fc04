-- Rescue and claims wait for a moment after a life of the server began: leases could not be renewed
-- before. Besides a restart and a promotion, the crash of one backend ends a life: the postmaster
-- lives on, but shared memory is made anew, and commits that had not reached the disk are lost. (A
-- row in an unlogged table would vanish too, but each look would have to write it again, and a
-- standby cannot read it.)
create table server_life (
    timeline integer     primary key,
    since    timestamptz not null default clock_timestamp(),
    life     text
);

comment on table server_life is
    'Since when this server has taken writes and lost nothing, by timeline. The first process that sees a new life notes it: takes_writes_since().';
comment on column server_life.timeline is 'WAL timeline; 0 where the host of Postgres does not let everybody know it.';
comment on column server_life.life is 'What tells this life of the server from the one before: server_life_now().';

update schema_version set version = 18;
