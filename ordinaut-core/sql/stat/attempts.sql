-- Numbers of jobs that were made and of attempts that ended from $1 to before $2, for each $3
-- (null: for all of that time), and for each queue if $4, for each kind if $5: of jobs with ids
-- from $6 to below $7, of the queue $8, the kind $9, the tenant $10 and the queues $11, where one
-- is named; up to $12 lines. With the seconds that first attempts waited, and that attempts ran, by
-- quantiles.
with made as materialized (
    select id, case when $4::boolean then queue else '' end as queue, case when $5::boolean then kind else '' end as kind,
           created_at, coalesce(scheduled_for, created_at) as due
    from ordinaut.job
    where id >= $6::uuid and id < $7::uuid
      and ($8::text is null or queue = $8::text) and ($9::text is null or kind = $9::text)
      and ($10::text is null or tenant = $10::text) and ($11::text[] is null or queue = any($11::text[]))
), arrived as (
    select case when $3::text is null then $1::timestamptz else date_trunc($3::text, created_at, 'UTC') end as begins,
           queue, kind, count(*) as arrived
    from made
    where created_at >= $1::timestamptz and created_at < $2::timestamptz
    group by 1, queue, kind
), attempts as (
    select case when $3::text is null then $1::timestamptz else date_trunc($3::text, finished_at, 'UTC') end as begins,
           queue, kind, outcome,
           case when attempt = 1 then greatest(extract(epoch from started_at - due), 0)::float8 end as waited,
           extract(epoch from finished_at - started_at)::float8 as ran
    from made
    join ordinaut.run on run.job_id = made.id
    where run.job_id >= $6::uuid and run.job_id < $7::uuid
      and finished_at >= $1::timestamptz and finished_at < $2::timestamptz
), ended as (
    select begins, queue, kind, count(*) as ended, count(*) filter (where outcome = 'succeeded') as succeeded,
           count(*) filter (where outcome in ('succeeded', 'cancelled', 'dead')) as gone,
           count(*) filter (where outcome in ('failed', 'dead', 'lost')) as failed,
           percentile_cont(array[0.5, 0.95, 0.99]) within group (order by waited) as wait,
           percentile_cont(array[0.5, 0.95, 0.99]) within group (order by ran) as run
    from attempts
    group by begins, queue, kind
)
select begins, queue, kind, coalesce(arrived, 0) as arrived, coalesce(ended, 0) as ended, coalesce(arrived, 0) - coalesce(gone, 0) as growth, coalesce(succeeded, 0) as succeeded,
       coalesce(failed, 0) as failed, 0::bigint as late, wait, run
from arrived
full join ended using (begins, queue, kind)
order by begins, queue, kind
limit $12::bigint
