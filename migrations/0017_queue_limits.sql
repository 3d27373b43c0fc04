-- What an operator says about a queue. An enqueue of the library still never touches it.
alter table queue
    add column paused_at     timestamptz,                  -- since when nobody claims from it
    add column paused_by     text,
    add column paused_reason text,
    add column max_waiting   integer check (max_waiting > 0),
    add column max_age       interval check (max_age > interval '0');

-- Jobs that are set aside wait too, and expire.
create index parked_queue on parked (queue, run_at);

-- What a claim asks once, and nearly always nothing is in it.
create index queue_paused on queue (name) where paused_at is not null;
create index queue_max_age on queue (name) where max_age is not null;

update schema_version set version = 17;
