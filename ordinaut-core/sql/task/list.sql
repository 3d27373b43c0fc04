-- A page of tasks, newest first: up to $1 of them and $8 octets, but one at least, older than the
-- task $2, of a status ($3), kind of job ($4), queue ($5) and kind of schedule ($6), with $7 in the
-- title, where one is named; of the tenant $9 and the queues $10 that the caller sees, created by
-- the agent $11, and with $12 in the title or the description. As in job/dead_letter_list.sql, the
-- walk reads nothing that is not shown, and "walked" tells of more.
with recursive walk as (
    select coalesce($2::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff') as id, null::text as definition,
           0::bigint as place, 0::bigint as octets
    union all
    select next.id, next.definition, walk.place + 1, walk.octets + octet_length(next.definition)
    from walk
    cross join lateral (
        select id, ordinaut.shown(definition) as definition
        from ordinaut.task
        where id < walk.id
          and ($3::text is null or status = $3::text)
          and ($4::text is null or kind = $4::text)
          and ($5::text is null or queue = $5::text)
          and ($6::text is null or schedule_kind = $6::text)
          and ($7::text is null or position(lower($7::text) in lower(title)) > 0)
          and ($11::text is null or created_by = $11::text)
          and ($12::text is null or position(lower($12::text) in lower(title || ' ' || (task.definition ->> 'description'))) > 0)
          and ($9::text is null or tenant = $9::text) and ($10::text[] is null or queue = any($10::text[]))
        order by id desc
        limit 1
    ) next
    where walk.place <= $1::bigint and (walk.octets <= $8::bigint or walk.place = 1)
)
select id, walk.definition, title, status, last_error, next_run_at, version, misfires, created_by, created_at, updated_at,
       (select max(place) from walk) as walked
from walk
join ordinaut.task using (id)
where walk.place between 1 and $1::bigint and (walk.octets <= $8::bigint or walk.place = 1)
order by walk.place
