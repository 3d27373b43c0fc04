-- Let the level of the queue $1, which was $2, be $3, and tell it. No row: another scheduler was
-- first.
with changed as (
    update ordinaut.queue
    set announced_level = $3::text
    where name = $1::text and announced_level = $2::text
    returning name
), outbox_rows as (
    insert into ordinaut.outbox (type, queue, kind, job_ids, attempts, level)
    select 'queue_level', name, '', '{}', '{}', $3::text from changed
)
select name from changed
