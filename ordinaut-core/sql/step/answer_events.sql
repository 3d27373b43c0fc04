-- Answer what waits for the events $1, each wait with the first of them, and note that it was done:
-- what was noted already has answered all that waited. The jobs that have their answer.
with event as materialized (
    select * from ordinaut.published where n = any($1::bigint[]) and not answered
), first_event as materialized (
    select distinct on (wait.job_id, wait.name) wait.job_id, wait.name as wait_name, event.*
    from event
    join ordinaut.wait on wait.topic = event.topic and wait.key = event.key
    where wait.kind = 'event' and wait.answered_at is null and event.at >= wait.since and event.n <> all(wait.seen)
    order by wait.job_id, wait.name, event.n
), answered as (
    update ordinaut.wait
    set answered_at = clock_timestamp(),
        answer = jsonb_build_object('n', n, 'id', first_event.id, 'topic', first_event.topic, 'key', first_event.key,
                                    'at', at, 'payload', payload)
    from first_event
    where wait.job_id = first_event.job_id and wait.name = first_event.wait_name and wait.answered_at is null
    returning wait.job_id
), noted as (
    update ordinaut.published set answered = true where n = any($1::bigint[]) and not answered
)
select distinct job_id from answered
