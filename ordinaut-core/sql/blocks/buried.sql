-- Dead letters, each with its own copy of what was asked for. The statement names the jobs that
-- died in "died" (job_id, error, attempt, failures, kind, queue, priority).
buried as (
    insert into ordinaut.dead_letter (job_id, error, attempt, failures, kind, queue, priority, args,
                                      max_attempts, timeout, tags, backoff, task_id, scheduled_for, tenant,
                                      trace_context, created_at, unique_key, unique_after_end, batch_id,
                                      placement)
    select died.job_id, died.error, died.attempt, died.failures, died.kind, died.queue, died.priority,
           coalesce(job.args, 'null'), job.max_attempts, job.timeout, coalesce(job.tags, '{}'), job.backoff, job.task_id,
           job.scheduled_for, job.tenant, job.trace_context, job.created_at, job.unique_key, job.unique_after_end, job.batch_id,
           job.placement
    from died
    left join ordinaut.job on job.id = any(array[died.job_id])
)
