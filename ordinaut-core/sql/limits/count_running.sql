-- Count the jobs that run already and that the limit $1 concerns, as if they had been let in under it.
with running as (
    update ordinaut.due_work
    set flags = flags | 4
    from ordinaut.job_limit, ordinaut.job
    where job_limit.name = $1::text and job.id = due_work.job_id and due_work.session is not null
      and (job_limit.queue is null or job_limit.queue = due_work.queue)
      and (job_limit.kind is null or job_limit.kind = due_work.kind)
      and (job_limit.key is null or job.args #>> job_limit.key is not null)
    returning due_work.job_id, due_work.session, job_limit.name, job_limit.ordered,
              coalesce(ordinaut.limit_key(job.args, job_limit.key), '') as key,
              case when jsonb_typeof(job.args #> job_limit.weight) = 'number'
                  then least(greatest(round((job.args #>> job_limit.weight)::numeric), 1), 1000000)::integer
                  else 1 end as weight
)
insert into ordinaut.limit_slot (name, key, job_id, weight, session, ordered)
select name, key, job_id, weight, session, ordered from running
