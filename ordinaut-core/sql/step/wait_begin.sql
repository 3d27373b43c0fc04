-- Write down what the attempt $2 of the job $1 waits for, as long as its lease holds (session $3,
-- nonce $4): the wait $5 of the kind $6, for the topic $7 and the key $8 but not the events $9
-- since the instant $10, for an answer to the question $11 with $12 in its place, or for the end of
-- the job $14, for $13 seconds. A wait that an earlier attempt began goes on, with its own end.
with held as materialized (
    select job_id
    from ordinaut.due_work
    where job_id = $1::uuid and attempt = $2::integer and session = $3::bigint and nonce = $4::integer
), begun as (
    insert into ordinaut.wait (job_id, name, kind, topic, key, seen, since, question, fallback, until, awaited_job)
    select job_id, $5::text, $6::text, $7::text, $8::text, $9::bigint[], $10::timestamptz, $11::text, $12::text,
           clock_timestamp() + make_interval(secs => $13::float8), $14::uuid
    from held
    on conflict (job_id, name) do nothing
    returning *
)
select exists (select from held) as held, answer::text as answer, coalesce(fallback, $12::text) as fallback,
       extract(epoch from until - clock_timestamp())::float8 as seconds_left,
       extract(epoch from clock_timestamp() - began_at)::float8 as waited
from (values (1)) as always(one)
left join lateral (
    table begun
    union all
    select * from ordinaut.wait where job_id = $1::uuid and name = $5::text
) as current_wait on true
limit 1
