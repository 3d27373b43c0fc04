-- Read and empty the list of jobs that the session $1 was asked to look at: those that it still
-- holds, with their attempts, because a job that has ended since may come back one day. Whether
-- each is to stop, and that because it is stalled; else it was given new parameters.
--
-- It does not wait for the disk: what is read twice changes nothing.
with lazily as materialized (
    select set_config('synchronous_commit', 'off', true)
), cancel_list as (
    select session, cancel_asked
    from ordinaut.worker cross join lazily
    where session = $1::bigint and cancel_asked <> '{}'
    for update of worker
), emptied as (
    update ordinaut.worker
    set cancel_asked = '{}'
    from cancel_list
    where worker.session = cancel_list.session
)
select due_work.job_id, due_work.attempt, due_work.flags & ordinaut.flag_cancel_asked() <> 0 as cancel,
       exists (select from ordinaut.progress
               where progress.job_id = due_work.job_id and progress.attempt = due_work.attempt
                 and cancel_stalled and stalled_at is not null
               offset 0) as stalled
from cancel_list
join ordinaut.due_work
    on due_work.job_id = any(cancel_list.cancel_asked) and due_work.session = cancel_list.session
       and due_work.flags & (ordinaut.flag_cancel_asked() | ordinaut.flag_attached()) <> 0
