-- What there is of the limits $1 under the keys $2 now: what running jobs take, which those are
-- (the first five), and what is left of the rate. Of one that each process has for itself all of
-- them together are told.
select member.name, member.at_key as key, member.ordered, member.per_process, member.rate, room.concurrency, room.held,
       case when member.rate is not null then least(member.burst, coalesce((
           select tokens + extract(epoch from greatest(statement_timestamp() - filled_at, interval '0'))::float8 * member.rate
           from ordinaut.limit_bucket
           where limit_bucket.name = member.name and limit_bucket.key = member.at_key and limit_bucket.session = 0
       ), member.burst)) end as tokens,
       array(
           select due_work.job_id
           from (
               select job_id from ordinaut.limit_slot where limit_slot.name = member.name and limit_slot.key = member.at_key
               union all
               select job_id from ordinaut.task_job where task_id = case when member.name = 'max_instances' then member.at_key::uuid end
           ) taken
           join ordinaut.due_work on due_work.job_id = taken.job_id and due_work.session is not null
           order by due_work.job_id
           limit 5
       ) as holders
from (
    select job_limit.*, at.key as at_key, null::bigint as one_session, at.place
    from unnest($1::text[], $2::text[]) with ordinality as at(name, key, place)
    join ordinaut.job_limit on job_limit.name = at.name
) member
left join {{limit_room}} room on true
order by member.place
