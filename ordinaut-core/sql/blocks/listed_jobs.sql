-- Up to $5 of the jobs that "looked" (at most $4 rows, in order) says match, with what is shown of
-- them. Where the rows were not those of the table that answers, that one is asked too: job ($18),
-- run ($19), and for the state ($20). A job with several attempts counts once. "next" is where the
-- next page goes on, null if nothing is left.
found as materialized (
    select id, row_number() over () as place
    from (
        select id
        from (select id, lag(id) over () as one_before from looked where matches) once
        where id is distinct from one_before
          and (not $18::boolean or exists (select from ordinaut.job where job.id = once.id and {{job_matches}}))
          and (not $19::boolean or exists (select from ordinaut.run where run.job_id = once.id and {{run_matches}}))
          and (not $20::boolean or case when $6::text in ('succeeded', 'cancelled')
              then exists (select from ordinaut.run where run.job_id = once.id and run.outcome = $6::text)
              else exists (select from ordinaut.job_state where job_state.job_id = once.id and job_state.state = $6::text) end)
        limit $5::bigint + 1
    ) few
), goes_on as (
    select case
        when (select count(*) from found) > $5::bigint then (select id from found where place = $5::bigint)
        when (select count(*) from looked) >= $4::bigint then (select id from looked offset $4::bigint - 1 limit 1)
    end as next
)
select goes_on.next, job.id, job.kind, job.queue, job.priority, job.tenant, job.task_id, job.created_at, state.state,
       state.attempt, state.run_at,
       case when state.run_at is null then (
           select run.finished_at from ordinaut.run where run.job_id = found.id order by run.attempt desc limit 1
       ) end as finished_at,
       array(select tag from unnest(job.tags) as tag where tag is not null) as tags
from goes_on
left join found on found.place <= $5::bigint
left join lateral (select * from ordinaut.job where id = found.id offset 0) job on true
left join lateral (select * from ordinaut.job_state where job_state.job_id = found.id offset 0) state on true
order by found.place
