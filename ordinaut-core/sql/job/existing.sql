-- Those of the jobs $1 that there are, ended or not.
select asked.id
from unnest($1::uuid[]) as asked(id)
where exists (select from ordinaut.job where job.id = asked.id)
