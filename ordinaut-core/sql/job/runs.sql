-- A page of the attempts of the job $1 that ended: up to $2 and $3 octets, but one at least, the
-- last before the attempt $4 (null: the last of all), in their order. As in dead_letter_list.sql,
-- the walk reads nothing that is not shown, and "walked" tells of more.
with recursive walk as (
    select coalesce($4::integer::bigint, 2147483648) as attempt, null::text as error, null::text as output,
           0::bigint as place, 0::bigint as octets
    union all
    select next.attempt, next.error, next.output, walk.place + 1,
           walk.octets + coalesce(octet_length(next.error), 0) + coalesce(octet_length(next.output), 0)
    from walk
    cross join lateral (
        select attempt, left(error, 65536) as error, ordinaut.shown(output) as output
        from ordinaut.run
        where job_id = $1::uuid and attempt < walk.attempt
        order by attempt desc
        limit 1
    ) next
    where walk.place <= $2::bigint and (walk.octets <= $3::bigint or walk.place = 1)
)
select run.attempt, run.session, run.started_at, run.finished_at, run.outcome, walk.error, walk.output,
       (select max(place) from walk) as walked
from walk
join ordinaut.run on run.job_id = $1::uuid and run.attempt = walk.attempt
where walk.place between 1 and $2::bigint and (walk.octets <= $3::bigint or walk.place = 1)
order by walk.attempt
