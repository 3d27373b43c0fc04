-- The limits that a task implies follow those that people have set, and have no turn: the jobs of a
-- concurrency key take turns by line. The key is the one that the job was made under: it stays the
-- job's when its task gets another one or is deleted.
create or replace function line_limits(job_queue text, job_kind text, args jsonb, job_tenant text, limited_by_task uuid)
    returns table (limits jsonb, ordered_key text)
    language sql stable
begin atomic
    select jsonb_agg(jsonb_build_array(concerned.name, concerned.key, concerned.weight) order by concerned.name),
           min(jsonb_build_array(concerned.name, concerned.key)::text) filter (where concerned.ordered)
    from (
        select name, key, weight, ordered from limits_of(job_queue, job_kind, args, job_tenant)
        union all
        select 'concurrency_key', task_job.concurrency_key, 1, false
        from task_job
        where task_job.job_id = limited_by_task and task_job.concurrency_key is not null
        union all
        select 'max_instances', task.id::text, 1, false
        from task_job
        cross join lateral (select id, max_instances from task where task.id = task_job.task_id offset 0) task
        where task_job.job_id = limited_by_task and task.max_instances is not null
    ) concerned;
end;

comment on function line_limits is
    'The limits that concern a job, as the line has them in which it waits, and the ordered one whose turn it waits for. The last parameter is the job if it has flag_task_limited(), else null.';
