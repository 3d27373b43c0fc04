-- Cancel a batch of the jobs that a filter names: $1 queue, $2 kind, $3 tag, $4 task, $5 tenant,
-- enqueued before $6 and at $9 or later, with arguments that contain $10, out of the $8 jobs after
-- the job $7. Those that wait are removed, those that run are asked to stop, unless they were. A
-- batch goes on where the last one ended, in the order
-- of the index on job_id: "is not false" is also true of a null, and no other index answers it.
-- "looked" are jobs of the queue and kind, "last" the last of them, "listed" those that are meant;
-- of these, what is neither removed nor asked somebody else holds at this moment.
with looked as materialized (
    (select job_id from ordinaut.due_work
     where job_id > $7::uuid and (queue = $1::text) is not false and (kind = $2::text) is not false
       and flags & ordinaut.flag_cancel_asked() = 0
     order by job_id limit $8::bigint)
    union all
    (select job_id from ordinaut.parked
     where job_id > $7::uuid and (queue = $1::text) is not false and (kind = $2::text) is not false
     order by job_id limit $8::bigint)
    order by job_id limit $8::bigint
), listed as materialized (
    select looked.job_id
    from looked
    join ordinaut.job on job.id = any(array[looked.job_id])
    where ($3::text is null or $3::text = any(job.tags)) and ($4::uuid is null or job.task_id = $4::uuid)
      and ($5::text is null or job.tenant = $5::text) and job.created_at < $6::timestamptz
      and (job.created_at >= $9::timestamptz) is not false and (job.args @> $10::jsonb) is not false
), deleted_waiting as (
    delete from ordinaut.due_work
    where ctid = any(array(select due_work.ctid from listed join ordinaut.due_work on due_work.job_id = any(array[listed.job_id])
                           where session is null for update of due_work skip locked))
    returning job_id, attempt, flags, queue, kind
), deleted_parked as (
    delete from ordinaut.parked
    where ctid = any(array(select parked.ctid from listed join ordinaut.parked on parked.job_id = any(array[listed.job_id])
                           for update of parked skip locked))
    returning job_id, attempt, flags, queue, kind
), deleted_jobs as (
    select removed.*, 'cancelled while it waited' as reason
    from (table deleted_waiting union all table deleted_parked) as removed
), {{ended_while_waiting}}, flagged as (
    update ordinaut.due_work
    set flags = flags | ordinaut.flag_cancel_asked()
    where ctid = any(array(select due_work.ctid from listed join ordinaut.due_work on due_work.job_id = any(array[listed.job_id])
                           where session is not null for update of due_work skip locked))
    returning job_id, session
), worker_notified as (
    update ordinaut.worker
    set cancel_asked = cancel_asked || running.job_ids
    from (select session, array_agg(job_id) as job_ids from flagged group by session order by session) running
    where worker.session = running.session
)
select (select count(*) from looked) as looked, (select count(*) from listed) as listed, (select count(*) from deleted_jobs) as removed, (select count(*) from flagged) as asked,
       (select job_id from looked order by job_id desc limit 1) as last
