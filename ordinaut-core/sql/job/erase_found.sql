-- Up to $4 jobs with the tag $1 or of the tenant $2, after the job $3, in the order of their ids.
select id
from ordinaut.job
where ($1::text is null or tags @> array[$1::text])
  and ($2::text is null or tenant = $2::text)
  and ($3::uuid is null or id > $3::uuid)
order by id
limit $4::bigint
