-- Insert the task $1 with its definition $2, due at $3, the first instant after $6 by the zone data
-- $7, created by the agent $8. With a key ($4), only if no other task holds it; this one then holds
-- it for $5 seconds, or for good if that is null. The row lock of the key makes two creators of one
-- key take turns. Returned is the task that there is now; nothing, if another created it after this
-- statement began: the caller asks again.
with kept as (
    insert into ordinaut.task_key as held (key, task_id, held_until)
    select $4::text, $1::uuid, coalesce(clock_timestamp() + make_interval(secs => $5::float8), 'infinity')
    where $4::text is not null
    on conflict (key) do update
    set task_id = excluded.task_id, held_until = excluded.held_until
    where held.held_until <= clock_timestamp()
    returning task_id
), created as (
    insert into ordinaut.task (id, definition, next_run_at, counted_run_at, counted_after, counted_by, created_by)
    select $1::uuid, $2::jsonb, $3::timestamptz, $3::timestamptz, $6::timestamptz, $7::text, $8::text
    where $4::text is null or exists (select from kept)
    returning id
)
select id from created
union all
select task_id from ordinaut.task_key where key = $4::text and not exists (select from created)
