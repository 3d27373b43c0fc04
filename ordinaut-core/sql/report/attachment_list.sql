-- Up to $2 of the parameters that the job $1 was given, the newest first, those before the number
-- $3 (null: from the newest).
select n, value::text as value, attached_by, attached_at
from ordinaut.attachment
where job_id = $1::uuid and ($3::integer is null or n < $3::integer)
order by n desc
limit $2::bigint
