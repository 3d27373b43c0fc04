-- A bulk operation $1 by $8: the verb $2 to the jobs that the filter $3 names, with the queue $4 or
-- the priority $5, and $6 jobs a second at most. Jobs that are enqueued from now on are not meant,
-- or a busy queue would never be done. One that is there already ($1) was asked for twice.
with made as (
    insert into ordinaut.bulk (id, verb, filter, queue, priority, rate, created_by)
    values ($1::uuid, $2::text,
            $3::jsonb || jsonb_build_object('created_before',
                                            least(clock_timestamp(), coalesce($7::timestamptz, 'infinity'))),
            $4::text, $5::smallint, $6::float8, $8::text)
    on conflict (id) do nothing
    returning *
)
select * from made
union all
select * from ordinaut.bulk where id = $1::uuid
limit 1
