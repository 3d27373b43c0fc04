-- Let the level of the node $1, which was $2 because of $3, be $4 because of $5, and tell it if it
-- is another. No row: another scheduler was first.
with changed as (
    update ordinaut.node
    set level = $4::text, causes = $5::text[],
        level_since = case when level = $4::text then level_since else clock_timestamp() end
    where name = $1::text and level = $2::text and causes = $3::text[]
    returning name
), outbox_rows as (
    insert into ordinaut.outbox (type, queue, kind, job_ids, attempts, level, subject)
    select 'node_level', '', '', '{}', '{}', $4::text, name from changed where $2::text <> $4::text
)
select name from changed
