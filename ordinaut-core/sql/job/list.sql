-- A page of jobs, newest first: up to $1, older than the job $2, of a state ($3), kind ($4) and
-- queue ($5) if one is named, and of the tenant $7 and the queues $8 that the caller sees.
--
-- It starts from the rows that make the state, and looks at $6 of them at most: what is rare comes
-- over several pages, and none takes long. Of "looked" one arm is not empty, and comes in the order
-- of its index. "next" is where the next page goes on.
with looked as materialized (
    (select id, kind, queue, null::text as state from ordinaut.job
     where $3::text is null and id < $2::uuid order by id desc limit $6::bigint)
    union all
    (select job_id, kind, queue,
            case when session is not null then 'running' when run_at > now() then 'scheduled' else 'waiting' end
     from ordinaut.due_work
     where $3::text in ('scheduled', 'waiting', 'running') and job_id < $2::uuid order by job_id desc limit $6::bigint)
    union all
    (select job_id, kind, queue, 'parked' from ordinaut.parked
     where $3::text = 'parked' and job_id < $2::uuid order by job_id desc limit $6::bigint)
    union all
    (select job_id, kind, queue, 'dead' from ordinaut.dead_letter
     where $3::text = 'dead' and job_id < $2::uuid order by job_id desc limit $6::bigint)
    union all
    (select job_id, null, null, outcome from ordinaut.run
     where $3::text in ('succeeded', 'cancelled') and job_id < $2::uuid
     order by job_id desc, attempt desc limit $6::bigint)
), found as materialized (
    select id
    from looked
    where ($3::text is null or state = $3::text)
      and ($4::text is null or kind = $4::text or kind is null) and ($5::text is null or queue = $5::text or queue is null)
      and (kind is not null or ($4::text is null and $5::text is null) or exists (
          select from ordinaut.job
          where job.id = looked.id
            and ($4::text is null or job.kind = $4::text) and ($5::text is null or job.queue = $5::text)))
      and (($7::text is null and $8::text[] is null) or exists (
          select from ordinaut.job
          where job.id = looked.id
            and ($7::text is null or job.tenant = $7::text) and ($8::text[] is null or job.queue = any($8::text[]))))
    limit $1::bigint + 1
), shown as materialized (
    select id from found order by id desc limit $1::bigint
), goes_on as (
    select case
        when (select count(*) from found) > $1::bigint then (select id from shown order by id limit 1)
        when (select count(*) from looked) >= $6::bigint then (select id from looked order by id limit 1)
    end as next
)
select goes_on.next, job.id, job.kind, job.queue, job.priority, job.created_at, state.state, state.attempt, state.run_at,
       array(select tag from unnest(job.tags) as tag where tag is not null) as tags
from goes_on
left join shown on true
left join lateral (select * from ordinaut.job where id = shown.id offset 0) job on true
left join lateral (select * from ordinaut.job_state where job_state.job_id = shown.id offset 0) state on true
order by job.id desc
