-- How full a queue with a bound is, as the scheduler last saw it, and the event that tells of a change. Only work over
-- HTTP asks for it: neither a claim nor an enqueue of the library does. Not called `level`, as statements of released
-- binaries have a column of that name beside this table, which would be ambiguous.
alter table queue
    add column told_level text collate "C" not null default 'normal' check (told_level in
        ('normal', 'minor', 'major', 'critical'));

-- What the scheduler looks at each second, and mostly nothing is in it. A queue whose bound was taken away is in it until
-- its level is normal again.
create index queue_level on queue (name) where max_waiting is not null or told_level <> 'normal';

-- Of an event about a queue, which names no jobs and no kind. Null in all others.
alter table outbox add column level text collate "C";
alter table event add column level text collate "C";

alter table outbox drop constraint outbox_type_check;
alter table outbox add constraint outbox_type_check check (type in
    ('enqueued', 'leased', 'given_back', 'run_now', 'requeued', 'parked', 'unparked',
     'succeeded', 'failed', 'snoozed', 'cancelled', 'dead', 'lost', 'released', 'queue_level'));

update schema_version set version = 27;
