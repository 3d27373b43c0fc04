-- Where the members of the batch $1 are: the first $2 and the last $2 of them, by their ids. A line
-- for each place, with the number of members there and the first of them; null: they have ended.
with looked as materialized (
    select id
    from (
        (select id from ordinaut.job where batch_id = $1::uuid order by id limit $2::bigint)
        union
        (select id from ordinaut.job where batch_id = $1::uuid order by id desc limit $2::bigint)
    ) member
    where not exists (select from ordinaut.batch where batch.id = $1::uuid and member.id in (batch.on_success, batch.on_complete))
)
select place, count(*) as members, (array_agg(id order by id))[1] as first
from (
    select looked.id,
           case when due_work.session is not null then 'running'
                when due_work.run_at > statement_timestamp() then 'scheduled'
                when due_work.job_id is not null then 'waiting'
                when parked.job_id is not null then 'parked' end as place
    from looked
    left join lateral (
        select job_id, session, run_at from ordinaut.due_work where due_work.job_id = looked.id offset 0
    ) due_work on true
    left join lateral (select job_id from ordinaut.parked where parked.job_id = looked.id offset 0) parked on true
) placed
group by place
order by place
