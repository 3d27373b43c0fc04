-- Targets that jobs wait for, found by a step to each next key, and what is to be known of each:
-- how fast its jobs are let go (null: there is no such target), how many more calls may be under
-- way (null: any number), whether a host is called, and whether one may be tried and none is. Up to
-- $1 of them, after the key $2.
with recursive waiting(key) as (
    (select key from ordinaut.parked where reason = 'target' and key > $2::text order by key limit 1)
    union all
    select (select min(key) from ordinaut.parked where reason = 'target' and key > waiting.key)
    from waiting
    where key is not null
)
select waiting.key as name, least((definition ->> 'resume_rate')::float8, (definition ->> 'rate')::float8) as resume_rate,
       (definition ->> 'concurrency')::bigint - case when definition ? 'concurrency' then {{target_turns}} end as room,
       coalesce(hosts.called, false) as called, coalesce(hosts.may_be_tried, false) as may_be_tried
from (select key from waiting where key is not null limit $1::bigint) waiting
left join ordinaut.target on target.name = waiting.key
left join lateral (
    select bool_or(state = 'closed') as called,
           bool_or(state = 'open' and retry_at <= clock_timestamp() or state = 'trial' and trial_until <= clock_timestamp())
               as may_be_tried
    from ordinaut.target_host
    where target_host.target = waiting.key and drained_at is null
) hosts on true
