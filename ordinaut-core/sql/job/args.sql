-- The arguments of the jobs $1, as text: those that their claim left out because they are large.
select wanted.id, job.args::text
from unnest($1::uuid[]) as wanted(id)
cross join lateral (select args from ordinaut.job where job.id = wanted.id offset 0) job
