-- Tell the worker that runs the job $1 that it has new parameters: by a flag, which a heartbeat
-- over HTTP sees, and in the list of its session. After the commit of attach.sql: a handler that
-- starts in between reads them itself. Whether it runs.
with flagged as (
    update ordinaut.due_work
    set flags = flags | ordinaut.flag_attached()
    where job_id = $1::uuid and session is not null
    returning job_id, session
), worker_notified as (
    update ordinaut.worker
    set cancel_asked = array_append(array_remove(cancel_asked, flagged.job_id), flagged.job_id)
    from flagged
    where worker.session = flagged.session
)
select exists (select from flagged)
