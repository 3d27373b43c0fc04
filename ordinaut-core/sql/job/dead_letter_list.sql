-- A page of dead letters, the last to die first: up to $1 of them and $2 octets, but one at least,
-- after the one ($3 died_at, $4 job) that the page before ended with; of the tenant $5 and the
-- queues $6 that the caller sees; of the queue $7 and the kind $8, with $9 in the error, that died
-- from $10 to before $11, whose errors have the pattern $12, where one is named. The walk goes from
-- letter to letter and stops where the page is full, so that nothing is read that is not shown.
-- "walked" is more than there are rows, if there is a next page.
with recursive walk as (
    select coalesce($3::timestamptz, 'infinity') as died_at,
           coalesce($4::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff') as job_id,
           null::text as args, null::text as error, 0::bigint as place, 0::bigint as octets
    union all
    select next.died_at, next.job_id, next.args, next.error, walk.place + 1,
           walk.octets + octet_length(next.args) + coalesce(octet_length(next.error), 0)
    from walk
    cross join lateral (
        select died_at, job_id, ordinaut.shown(args) as args, left(error, 65536) as error
        from ordinaut.dead_letter
        where (died_at, job_id) < (walk.died_at, walk.job_id)
          and ($5::text is null or tenant = $5::text) and ($6::text[] is null or queue = any($6::text[]))
          and ($7::text is null or queue = $7::text) and ($8::text is null or kind = $8::text)
          and ($9::text is null or position(lower($9::text) in lower(error)) > 0)
          and ($12::text is null or ordinaut.error_pattern(error) = $12::text)
          and ($10::timestamptz is null or died_at >= $10::timestamptz) and ($11::timestamptz is null or died_at < $11::timestamptz)
        order by died_at desc, job_id desc
        limit 1
    ) next
    where walk.place <= $1::bigint and (walk.octets <= $2::bigint or walk.place = 1)
)
select job_id, walk.died_at, walk.error, letter.attempt, letter.failures, letter.kind, letter.queue, letter.priority, walk.args,
       letter.created_at, (select max(place) from walk) as walked
from walk
join ordinaut.dead_letter letter using (job_id)
where walk.place between 1 and $1::bigint and (walk.octets <= $2::bigint or walk.place = 1)
order by walk.place
