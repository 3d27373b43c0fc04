-- One job with its state, what it is set aside for, and how many living workers could run it. The
-- letter's copy answers for a dead job whose own row has been pruned.
select found.id, found.kind, found.queue, found.priority, found.max_attempts, found.timeout, found.tenant, found.trace_context,
       found.scheduled_for, found.batch_id, found.created_at, found.placement, ordinaut.shown(found.args) as args,
       array(select tag from unnest(found.tags) as tag where tag is not null) as tags,
       coalesce(state.state, 'dead') as state, coalesce(state.attempt, found.letter_attempt) as attempt,
       coalesce(state.failures, found.letter_failures, 0::smallint) as failures, state.run_at, state.session,
       coalesce(state.cancel_asked, false) as cancel_asked, parked.reason as parked_reason,
       case parked.reason
           when 'dependency' then (
               select json_agg(parent_id)::text
               from (select parent_id from ordinaut.dependency where child_id = $1::uuid order by parent_id limit 20) few
           )
           when 'placed' then ordinaut.demand_shown(parked.key, $1::uuid)
           else coalesce(parked.line, parked.key)
       end as parked_key,
       exists (select from ordinaut.queue where name in (found.queue, '*') and paused_at is not null) as queue_paused,
       crew.alive, crew.serving, crew.able, crew.willing, crew.free
from (
    select id, kind, queue, priority, args, max_attempts, extract(epoch from timeout)::float8 as timeout, tags,
           scheduled_for, tenant, trace_context, batch_id, placement, created_at, null::integer as letter_attempt,
           null::smallint as letter_failures
    from ordinaut.job
    where id = $1::uuid
    union all
    select job_id, kind, queue, priority, args, max_attempts, extract(epoch from timeout)::float8, tags,
           scheduled_for, tenant, trace_context, batch_id, placement, coalesce(created_at, died_at), attempt, failures
    from ordinaut.dead_letter
    where job_id = $1::uuid and not exists (select from ordinaut.job where id = $1::uuid)
) found
left join lateral (select * from ordinaut.job_state where job_state.job_id = found.id offset 0) state on true
left join ordinaut.parked on parked.job_id = $1::uuid
cross join lateral (
    select count(*) as alive,
           count(*) filter (where serves) as serving,
           count(*) filter (where serves and knows) as able,
           count(*) filter (where serves and knows and not drained) as willing,
           count(*) filter (where serves and knows and not drained and running < concurrency) as free
    from (
        select found.queue = any(queues) as serves, found.kind = any(kinds) as knows, running, concurrency,
               exists (select from ordinaut.drained_worker where drained_worker.name = worker.name) as drained
        from ordinaut.worker
        where ended_at is null and expires_at > clock_timestamp()
    ) living
) crew
