-- Delete up to $1 jobs, with all that is kept of them, of queues that keep what ended for less time
-- than the others: those that were enqueued and ended longer ago. Ids are times, so that only
-- partitions old enough are read.
with old as materialized (
    select job.id
    from ordinaut.queue keeping
    cross join lateral (
        select id
        from ordinaut.job
        where job.queue = keeping.name and job.id < ordinaut.uuid_v7_floor(clock_timestamp() - keeping.retention)
          and job.created_at < clock_timestamp() - keeping.retention
          and not exists (select from ordinaut.due_work where due_work.job_id = job.id)
          and not exists (select from ordinaut.parked where parked.job_id = job.id)
          and not exists (select from ordinaut.dead_letter where dead_letter.job_id = job.id)
          and not exists (select from ordinaut.run where run.job_id = job.id
                            and run.finished_at >= clock_timestamp() - keeping.retention)
        order by id
        limit $1::bigint
    ) job
    where keeping.retention is not null
    limit $1::bigint
), runs as (
    delete from ordinaut.run using old where run.job_id = old.id
), steps as (
    delete from ordinaut.step using old where step.job_id = old.id
), said as (
    delete from ordinaut.output using old where output.job_id = old.id
), progress as (
    delete from ordinaut.progress using old where progress.job_id = old.id
), attachments as (
    delete from ordinaut.attachment using old where attachment.job_id = old.id
)
delete from ordinaut.job using old where job.id = old.id
