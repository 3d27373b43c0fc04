-- The ids of jobs that run, of ids from $1 to below $2: the oldest first if $3, else the newest, up
-- to $4, of the kind $5, the queue $6 and one of the sessions $7, where one is named. No index
-- knows them, because a lease touches none: all of due_work is read. Null: it is larger than $8
-- octets, in the schema $9, and that would take too long.
select case when pg_relation_size(to_regclass($9::text || '.due_work')) <= $8::bigint then array(
    select job_id
    from ordinaut.due_work
    where session is not null and job_id >= $1::uuid and job_id < $2::uuid
      and ($5::text is null or kind = $5::text) and ($6::text is null or queue = $6::text)
      and ($7::bigint[] is null or session = any($7::bigint[]))
    order by case when $3::boolean then job_id end, job_id desc
    limit $4::bigint
) end
