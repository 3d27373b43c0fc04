-- Let the jobs go that wait, by their mode run_again, behind a job that runs no more. One that
-- waits to be tried again is cancelled: the job behind it has the newer arguments. Only the state
-- is looked at, so that no end of a job has to tell.
with follower as materialized (
    select parked.job_id, parked.key::uuid as leader,
           exists (select from ordinaut.due_work where due_work.job_id = parked.key::uuid offset 0)
               or exists (select from ordinaut.parked leader where leader.job_id = parked.key::uuid offset 0) as leader_waits
    from ordinaut.parked
    where reason = 'run_again'
      and not exists (
          select from ordinaut.due_work where due_work.job_id = parked.key::uuid and due_work.session is not null offset 0
      )
), deleted_waiting as (
    delete from ordinaut.due_work
    using follower
    where due_work.job_id = any(array[leader]) and due_work.session is null
    returning due_work.job_id, attempt, flags, queue, kind, follower.job_id as follower
), deleted_parked as (
    delete from ordinaut.parked
    using follower
    where parked.job_id = any(array[leader])
    returning parked.job_id, attempt, flags, queue, kind, follower.job_id as follower
), deleted_jobs as (
    select removed.*, 'replaced by job ' || follower as reason
    from (table deleted_waiting union all table deleted_parked) as removed
), {{ended_while_waiting}}, unparked as (
    delete from ordinaut.parked
    using follower
    where parked.job_id = any(array[follower.job_id]) and parked.reason = 'run_again'
      -- A worker has taken it since: the job behind it goes on waiting.
      and (not leader_waits or exists (select from deleted_jobs where deleted_jobs.follower = follower.job_id))
    returning parked.*
), {{unparked}}
select distinct queue from unparked
