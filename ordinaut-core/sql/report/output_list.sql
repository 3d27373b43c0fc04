-- A page of what the job $1 has said in the channel $2, in its attempt $3 (null: in all of them),
-- behind the number $5 of the attempt $4: up to $6 rows and $7 octets, but one at least. "dropped"
-- is how many behind the last were not kept, "more" whether others follow the page.
with listed as materialized (
    select attempt, n, octet_length(text) as size
    from ordinaut.output
    where job_id = $1::uuid and channel = $2::text and ($3::integer is null or attempt = $3::integer)
      and (attempt, n) > ($4::integer, $5::integer)
    order by attempt, n
    limit $6::bigint + 1
), placed as (
    select attempt, n, row_number() over place as place, sum(size) over place as octets
    from listed
    window place as (order by attempt, n)
), page as materialized (
    select attempt, n from placed where place <= $6::bigint and (octets <= $7::bigint or place = 1)
)
select page.attempt, page.n, level, text, said_at,
       case when seen is not null then seen - coalesce((
           select kept.n
           from ordinaut.output as kept
           where kept.job_id = $1::uuid and kept.channel = $2::text and kept.attempt = page.attempt and kept.n < 2147483647
           order by kept.n desc
           limit 1
       ), 0) end as dropped,
       (select count(*) from listed) > (select count(*) from page) as more
from page
join ordinaut.output on output.job_id = $1::uuid and output.channel = $2::text and output.attempt = page.attempt
                    and output.n = page.n
order by page.attempt, page.n
