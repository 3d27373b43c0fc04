-- Drop the rows of sessions that ended over $1 seconds ago and hold no lease any more, keeping what
-- they counted.
with deleted_session as (
    delete from ordinaut.worker
    where ended_at < clock_timestamp() - make_interval(secs => $1::float8)
      and not exists (select from ordinaut.due_work where due_work.session = worker.session)
    returning session, finished
), counted as (
    insert into ordinaut.outcome_count (queue, outcome, ended)
    select queue.key, outcome.key, outcome.value::bigint
    from deleted_session, jsonb_each(deleted_session.finished) as queue, jsonb_each_text(queue.value) as outcome
)
select count(*) from deleted_session
