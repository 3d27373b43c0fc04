-- The next dead letters that a filter names: as waiting.sql of jobs that wait; and whose errors
-- have the pattern $11, if it is named. 400 characters have all that a pattern is made of.
with looked as materialized (
    select job_id, tags, task_id, tenant, coalesce(created_at, died_at) as created_at,
           case when $11::text is not null then left(error, 400) end as error,
           (args @> $10::jsonb) is not false as is_alike
    from ordinaut.dead_letter
    where job_id > $7::uuid and (queue = $1::text) is not false and (kind = $2::text) is not false
    order by job_id limit $8::bigint
)
select (select count(*) from looked) as looked, (select job_id from looked order by job_id desc limit 1) as last,
       array(select job_id
             from looked
             where ($3::text is null or $3::text = any(tags)) and ($4::uuid is null or task_id = $4::uuid)
               and ($5::text is null or tenant = $5::text) and created_at < $6::timestamptz
               and (created_at >= $9::timestamptz) is not false and is_alike
               and ($11::text is null or ordinaut.error_pattern(error) = $11::text)
             order by job_id) as jobs
