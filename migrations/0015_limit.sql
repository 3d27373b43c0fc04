-- A job that a limit concerns is parked when it is due (reason "limit"), and let in where there is
-- room. Jobs that no limit concerns never come here.
create table job_limit (
    name        text             primary key check (length(name) between 1 and 100),
    queue       text             collate "C",
    kind        text             collate "C",
    key         text[],
    weight      text[],
    concurrency integer          check (concurrency >= 0),
    rate        double precision check (rate > 0),
    burst       double precision check (burst >= 1),
    per_process boolean          not null default false,
    ordered     boolean          not null default false,
    updated_at  timestamptz      not null default clock_timestamp(),
    per_tenant  boolean          not null default false,
    constraint burst_of_a_rate check ((rate is null) = (burst is null)),
    constraint ordered_is_one_at_a_time check (not ordered or (concurrency = 1 and queue is not null and not per_process)),
    constraint one_key_at_most check (not per_tenant or key is null)
);

-- A row counts as long as its job is leased (of an ordered limit: as long as the job has not
-- ended), so that a row which a crash left behind takes nothing.
create table limit_slot (
    name    text    not null,
    key     text    not null,
    job_id  uuid    not null,
    weight  integer not null check (weight > 0),
    session bigint,
    ordered boolean not null,
    primary key (name, key, job_id)
);

create index limit_slot_job_id on limit_slot (job_id);

create table limit_bucket (
    name      text             not null,
    key       text             not null,
    session   bigint           not null,
    tokens    double precision not null,
    filled_at timestamptz      not null,
    primary key (name, key, session)
);

comment on table job_limit is
    'Limits: how much of a queue, a kind, or a key in the arguments may run at once, and how much may start in a while.';
comment on column job_limit.queue is
    'The queue that it concerns; null: any. Empty: tasks imply it (concurrency_key, max_instances), and it concerns jobs with flag_task_limited(); such a row is there while such jobs are.';
comment on column job_limit.kind is 'The kind that it concerns; null: any.';
comment on column job_limit.key is 'Path into the arguments: each value there has the limit for itself. Null: one for all jobs that it concerns.';
comment on column job_limit.weight is 'Path into the arguments: the room that a job takes; null: 1.';
comment on column job_limit.concurrency is 'Maximum weight of the jobs that run at once; null: any.';
comment on column job_limit.rate is 'Maximum weight that starts in a second; null: any.';
comment on column job_limit.burst is 'Maximum weight that may start at once after idling, of a limit with a rate.';
comment on column job_limit.per_process is 'Each worker process has the limit for itself.';
comment on column job_limit.ordered is 'One job at a time, in the order of the claim, over retries too.';
comment on column job_limit.per_tenant is 'Each tenant has the limit for itself, also where arguments are encrypted.';
comment on table limit_slot is 'Room that is taken: a row for each running job and each limit that concerns it.';
comment on column limit_slot.key is 'The value under the limit''s key, or the tenant; empty: the limit has none.';
comment on column limit_slot.session is 'The session that runs the job, for a limit that each process has for itself.';
comment on table limit_bucket is 'What is left of a rate, and since when. No row: all of the burst.';
comment on column limit_bucket.session is '0: of all processes together.';
comment on column limit_bucket.tokens is 'Weight that could start at filled_at; since then rate a second has been added, up to burst.';

update schema_version set version = 15;
