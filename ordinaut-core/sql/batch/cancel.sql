-- Cancel what is left of the batch $1 (seen: of the tenant $2, made by $3). The fold does it.
with stopped as (
    update ordinaut.batch
    set stopping = 'cancelled'
    where id = $1::uuid and ($2::text is null or tenant = $2::text) and ($3::text is null or created_by = $3::text)
      and state = 'running' and stopping is null
    returning id
), asked as (
    insert into ordinaut.followed_end (job_id, outcome) select id, 'stop' from stopped
)
select case when exists (select from stopped) then 'asked' when stopping is not null and state = 'running' then 'asked' else 'too_late' end
from ordinaut.batch
where id = $1::uuid and ($2::text is null or tenant = $2::text) and ($3::text is null or created_by = $3::text)
