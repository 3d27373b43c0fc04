-- Depth over time is counted back from the depth of now, by the jobs that became more or fewer in
-- each step. Arrivals and ends cannot say it: an attempt that fails ends, and its job goes on.
alter table stat add column growth bigint not null default 0;

comment on column stat.growth is
    'Jobs that were enqueued or sent back, less those that succeeded, were cancelled or died. 0 in rows from before this column.';

update schema_version set version = 86;
