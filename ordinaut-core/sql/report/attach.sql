-- Give the job $1, if it has not ended, the parameters $2, as $3 says. The last hundred values are
-- kept. No row: it has ended, or somebody else has given it some at the same moment.
with last as materialized (
    select coalesce((select n from ordinaut.attachment where job_id = $1::uuid order by n desc limit 1), 0) as n
), forgotten as (
    delete from ordinaut.attachment using last where job_id = $1::uuid and attachment.n <= last.n - 99
)
insert into ordinaut.attachment (job_id, n, value, attached_by)
select $1::uuid, last.n + 1, $2::text::jsonb, $3::text
from last
where exists (select from ordinaut.due_work where job_id = $1::uuid)
   or exists (select from ordinaut.parked where job_id = $1::uuid)
on conflict (job_id, n) do nothing
returning n
