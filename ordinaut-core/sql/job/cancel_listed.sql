-- Cancel the jobs $1, or those of the task $2: those that wait end now, with $3 as the reason;
-- those that run are asked to stop.
--
-- "left_over" are those that another transaction moved in the meantime: the caller asks again, with
-- a new snapshot.
with listed as materialized (
    select unnest($1::uuid[]) as job_id
    union all
    select job_id from ordinaut.task_job where task_id = $2::uuid
), deleted_waiting as (
    delete from ordinaut.due_work
    using listed
    where due_work.job_id = any(array[listed.job_id]) and due_work.session is null
    returning due_work.job_id, due_work.attempt, due_work.flags, due_work.queue, due_work.kind
), deleted_parked as (
    delete from ordinaut.parked
    using listed
    where parked.job_id = any(array[listed.job_id])
    returning parked.job_id, parked.attempt, parked.flags, parked.queue, parked.kind
), deleted_jobs as (
    select removed.*, $3::text as reason
    from (table deleted_waiting union all table deleted_parked) as removed
), {{ended_while_waiting}}, flagged as (
    update ordinaut.due_work
    set flags = flags | ordinaut.flag_cancel_asked()
    from listed
    where due_work.job_id = any(array[listed.job_id]) and due_work.session is not null
    returning due_work.job_id, due_work.session
), worker_notified as (
    update ordinaut.worker
    set cancel_asked = cancel_asked || running.job_ids
    from (select session, array_agg(job_id) as job_ids from flagged group by session order by session) running
    where worker.session = running.session
)
select (select count(*) from deleted_jobs) as removed, (select count(*) from flagged) as asked,
       (select count(*) from listed
        where exists (select from ordinaut.due_work where due_work.job_id = listed.job_id offset 0))
           + (select count(*) from listed
              where exists (select from ordinaut.parked where parked.job_id = listed.job_id offset 0))
           - (select count(*) from deleted_jobs) - (select count(*) from flagged) as left_over
