-- The arguments of the jobs $1, as text: those that their claim left out because they are large.
select asked.id, job.args::text
from unnest($1::uuid[]) as asked(id)
cross join lateral (select args from ordinaut.job where job.id = asked.id offset 0) job
