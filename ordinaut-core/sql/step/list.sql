-- A page of the steps of the job $1: up to $2 and $3 octets, but one at least, behind the step of
-- the name $4 (null: from the first), in the order in which they were recorded. "more" tells
-- whether others follow.
with listed as materialized (
    select name, ended_at, octet_length(result::text) as octets
    from ordinaut.step
    where job_id = $1::uuid
      and ($4::text is null
           or (ended_at, name) > (select ended_at, name from ordinaut.step where job_id = $1::uuid and name = $4::text))
    order by ended_at, name
    limit $2::bigint + 1
), placed as (
    select name, row_number() over place as place, sum(octets) over place as octets
    from listed
    window place as (order by ended_at, name)
), page as materialized (
    select name, place from placed where place <= $2::bigint and (octets <= $3::bigint or place = 1)
)
select step.name, kind, attempt, result::text as result, began_at, ended_at,
       (select count(*) from listed) > (select count(*) from page) as more
from page
join ordinaut.step on step.job_id = $1::uuid and step.name = page.name
order by page.place
