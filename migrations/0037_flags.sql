-- What the bits of flags mean, in one place.
comment on column due_work.flags is
    '1: cancel asked, 2: suspect (lost twice in its life), 4: limited, 8: unique, 16: lost once';
comment on column parked.flags is
    'as in due_work: 2: suspect (lost twice in its life), 8: unique, 16: lost once';

update schema_version set version = 37;
