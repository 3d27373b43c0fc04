-- A page of targets, by name: up to $1 of them after the target $2, or the one named $3, with their
-- hosts, the number of jobs that wait for each, counted up to 100,000, and the number of calls
-- under way where that is limited.
select name, definition::text as definition, source, version, created_at, updated_at,
       (select coalesce(jsonb_agg(jsonb_build_object(
                   'host', host, 'weight', weight, 'state', state, 'drained_at', drained_at, 'failures', failures,
                   'opened_at', opened_at, 'opened_by', opened_by, 'reason', reason, 'retry_at', retry_at,
                   'opened', opened, 'trial_until', trial_until, 'calls', calls, 'failed', failed, 'seconds', seconds,
                   'recent_seconds', recent_seconds, 'last_success_at', last_success_at) order by place), '[]')
        from ordinaut.target_host
        where target_host.target = target.name)::text as health,
       (select count(*)
        from (select from ordinaut.parked where reason = 'target' and key = target.name limit 100000) waiting) as waiting,
       case when definition ? 'concurrency' then {{target_turns}} end as under_way
from ordinaut.target
where ($2::text is null or name > $2::text) and ($3::text is null or name = $3::text)
order by name
limit $1::bigint
