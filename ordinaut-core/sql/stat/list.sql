-- What came and ended from $1 to before $2, from the rows of the step $3, for each $4 (null: for
-- all of that time), and for each queue if $5, for each kind if $6: of the queue $7, the kind $8
-- and the queues $9, where one is named; up to $10 lines.
with kept as materialized (
    select case when $4::text is null then $1::timestamptz else date_trunc($4::text, begins, 'UTC') end as begins,
           case when $5::boolean then queue else '' end as queue, case when $6::boolean then kind else '' end as kind,
           arrived, ended, growth, succeeded, failed, late, wait, run
    from ordinaut.stat
    where step = $3::text and stat.begins >= $1::timestamptz and stat.begins < $2::timestamptz
      and ($7::text is null or stat.queue = $7::text) and ($8::text is null or stat.kind = $8::text)
      and ($9::text[] is null or stat.queue = any($9::text[]))
), numbered as materialized (
    -- A number for each line: sorting 57 places of each row by texts took most of the time.
    select kept.*, dense_rank() over (order by begins, queue, kind) as line from kept
), line as (
    select line, begins, queue, kind, sum(arrived)::bigint as arrived, sum(ended)::bigint as ended, sum(growth)::bigint as growth,
           sum(succeeded)::bigint as succeeded, sum(failed)::bigint as failed, sum(late)::bigint as late
    from numbered
    group by line, begins, queue, kind
), place as (
    select line, place, sum(waits)::bigint as waits, sum(runs)::bigint as runs
    from numbered
    cross join lateral unnest(wait, run) with ordinality as pair(waits, runs, place)
    group by line, place
), histogram as (
    select line, array_agg(coalesce(waits, 0) order by place) as wait,
           array_agg(coalesce(runs, 0) order by place) as run
    from place
    group by line
)
select begins, queue, kind, arrived, ended, growth, succeeded, failed, late, coalesce(wait, '{}') as wait, coalesce(run, '{}') as run
from line
left join histogram using (line)
order by begins, queue, kind
limit $10::bigint
