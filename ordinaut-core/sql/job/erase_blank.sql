-- Blank what the jobs $1 were about, of those that have ended: arguments, tags and trace, what
-- their runs and steps said and left, and their dead letters. That they were there, when, and how
-- they ended stays. How many of them were blanked.
with ended as materialized (
    select job_id
    from unnest($1::uuid[]) as job_id
    where not exists (select from ordinaut.due_work where due_work.job_id = job_id.job_id)
      and not exists (select from ordinaut.parked where parked.job_id = job_id.job_id)
), said as (
    update ordinaut.run
    set error = null, output = null
    from ended
    where run.job_id = ended.job_id and (output is not null or error is distinct from 'erased')
), buried as (
    delete from ordinaut.dead_letter using ended where dead_letter.job_id = ended.job_id
), freed_slots as (
    -- Under keys that arguments named.
    delete from ordinaut.limit_slot using ended where limit_slot.job_id = ended.job_id
), emptied as (
    -- What is left of a rate stands under the key too: the key begins anew.
    delete from ordinaut.limit_bucket
    using (
        select distinct concerned.name, concerned.key
        from ended
        join ordinaut.job on job.id = ended.job_id
        cross join lateral ordinaut.limits_of(job.queue, job.kind, job.args, job.tenant) as concerned
        where concerned.key <> ''
    ) named
    where limit_bucket.name = named.name and limit_bucket.key = named.key
), forgotten as (
    delete from ordinaut.checkpoint using ended where checkpoint.job_id = ended.job_id
), steps as (
    delete from ordinaut.step using ended where step.job_id = ended.job_id
), waits as (
    delete from ordinaut.wait using ended where wait.job_id = ended.job_id
), output as (
    delete from ordinaut.output using ended where output.job_id = ended.job_id
), progress as (
    delete from ordinaut.progress using ended where progress.job_id = ended.job_id
), attachments as (
    delete from ordinaut.attachment using ended where attachment.job_id = ended.job_id
), blanked as (
    update ordinaut.job
    set args = 'null', tags = '{}', trace_context = null, unique_key = null, unique_after_end = null
    from ended
    where job.id = ended.job_id
    returning job.id
)
select count(*) from blanked
