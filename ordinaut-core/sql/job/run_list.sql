-- Attempts that ended, those of the newest job first: up to $1 that match among the next $2 rows
-- after the job $3's attempt $4. $5: only those without success, which have an index. Of the
-- outcome $6, one of the sessions $7, started from $8 to before $9, with $10 in the error, of the
-- job $11; of jobs of the kind $12, the queue $13, the tenant $14 and the queues $15, where one is
-- named. "next" is where the next page goes on, null if nothing is left.
with looked as materialized (
    select job_id, attempt,
           ($6::text is null or outcome = $6::text) and ($7::bigint[] is null or session = any($7::bigint[]))
               and ($8::timestamptz is null or started_at >= $8::timestamptz)
               and ($9::timestamptz is null or started_at < $9::timestamptz)
               and ($10::text is null or position(lower($10::text) in lower(error)) > 0) as matches
    from (
        (select * from ordinaut.run
         where not $5::boolean and job_id <= $3::uuid and (job_id, attempt) < ($3::uuid, $4::integer)
           and ($11::uuid is null or job_id = $11::uuid)
         order by job_id desc, attempt desc limit $2::bigint)
        union all
        (select * from ordinaut.run
         where $5::boolean and outcome <> 'succeeded' and job_id <= $3::uuid and (job_id, attempt) < ($3::uuid, $4::integer)
           and ($11::uuid is null or job_id = $11::uuid)
         order by job_id desc, attempt desc limit $2::bigint)
    ) next
), found as materialized (
    select job_id, attempt, row_number() over () as place
    from (
        select job_id, attempt
        from looked
        where matches and (($12::text is null and $13::text is null and $14::text is null and $15::text[] is null) or exists (
            select from ordinaut.job
            where job.id = looked.job_id and ($12::text is null or kind = $12::text) and ($13::text is null or queue = $13::text)
              and ($14::text is null or tenant = $14::text) and ($15::text[] is null or queue = any($15::text[]))))
        limit $1::bigint + 1
    ) few
), goes_on as (
    select last.job_id as next_job, last.attempt as next_attempt
    from (select) one_row
    left join lateral (
        (select job_id, attempt from found where place = $1::bigint and (select count(*) from found) > $1::bigint)
        union all
        (select job_id, attempt from looked
         where (select count(*) from found) <= $1::bigint and (select count(*) from looked) >= $2::bigint
         offset $2::bigint - 1 limit 1)
    ) last on true
)
select goes_on.next_job, goes_on.next_attempt, run.job_id, run.attempt, job.kind, job.queue, run.session, run.started_at,
       run.finished_at, run.outcome, left(run.error, 1000) as error
from goes_on
left join found on found.place <= $1::bigint
left join lateral (select * from ordinaut.run where run.job_id = found.job_id and run.attempt = found.attempt offset 0) run on true
left join lateral (select kind, queue from ordinaut.job where job.id = found.job_id offset 0) job on true
order by found.place
