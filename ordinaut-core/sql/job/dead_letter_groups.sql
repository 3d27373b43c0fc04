-- Groups of dead letters of one kind whose errors are alike, the largest first: up to $2 groups, of
-- the $1 letters that died last, of the tenant $3 and the queues $4 that the caller sees; of the
-- queue $5 and the kind $6, with $7 in the error, that died from $8 to before $9, whose errors have
-- the pattern $10, where one is named. 400 characters have all that a pattern is made of. Only the
-- newest letter of a group is read a second time, for its error.
with looked as materialized (
    select job_id, died_at, kind, left(error, 400) as error
    from ordinaut.dead_letter
    where ($3::text is null or tenant = $3::text) and ($4::text[] is null or queue = any($4::text[]))
      and ($5::text is null or queue = $5::text) and ($6::text is null or kind = $6::text)
      and ($7::text is null or position(lower($7::text) in lower(error)) > 0)
      and ($8::timestamptz is null or died_at >= $8::timestamptz) and ($9::timestamptz is null or died_at < $9::timestamptz)
      and ($10::text is null or ordinaut.error_pattern(error) = $10::text)
    order by died_at desc, job_id desc
    limit $1::bigint
), alike as (
    select kind, ordinaut.error_pattern(error) as error_pattern, died_at, job_id from looked
), grouped as (
    select kind, error_pattern, count(*) as letters, max(died_at) as newest,
           (array_agg(job_id order by died_at desc, job_id desc))[1] as example
    from alike
    group by kind, error_pattern
    order by letters desc, newest desc, kind, error_pattern
    limit $2::bigint
)
select grouped.kind, error_pattern, letters, newest, example, left(letter.error, 65536) as error,
       (select count(*) from looked) as looked
from grouped
left join ordinaut.dead_letter as letter on letter.job_id = any(array[grouped.example])
order by letters desc, newest desc, grouped.kind, error_pattern
