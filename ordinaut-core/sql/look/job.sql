-- One job with its state, and whether a living worker of its queue can run its kind. The letter's copy answers
-- for a dead job whose own row has been pruned.
select found.*,
       coalesce(state.state, 'dead') as state, coalesce(state.attempt, found.letter_attempt) as attempt,
       coalesce(state.failures, found.letter_failures, 0::smallint) as failures, state.run_at, state.session,
       coalesce(state.cancel_asked, false) as cancel_asked,
       exists (
           select from ordinaut.worker
           where ended_at is null and expires_at > clock_timestamp() and found.queue = any(queues) and found.kind = any(kinds)
       ) as has_worker,
       exists (select from ordinaut.queue where name in (found.queue, '*') and paused_at is not null) as queue_paused
from (
    select id, kind, queue, priority, args, max_attempts, extract(epoch from timeout)::float8 as timeout, tags,
           scheduled_for, tenant, created_at, null::integer as letter_attempt,
           null::smallint as letter_failures
    from ordinaut.job
    where id = $1::uuid
    union all
    select job_id, kind, queue, priority, args, max_attempts, extract(epoch from timeout)::float8, tags,
           scheduled_for, tenant, coalesce(created_at, died_at), attempt, failures
    from ordinaut.dead_letter
    where job_id = $1::uuid and not exists (select from ordinaut.job where id = $1::uuid)
) found
left join lateral (select * from ordinaut.job_state where job_state.job_id = found.id offset 0) state on true
