-- Each job is looked up by its key: a subquery with "offset 0" is never turned round into a join
-- that reads all of a table which was empty when the statement was planned.
create or replace function limit_turn(
    limit_name text, at_key text, line text, turn_of text,
    first_queue text, first_priority smallint, first_run_at timestamptz, first_job uuid
) returns table (begun boolean, begun_here uuid, another_first boolean)
    language sql stable
begin atomic
    select exists (
               select from limit_slot
               where limit_slot.name = limit_name and limit_slot.key = at_key
                 and (exists (select from due_work where due_work.job_id = limit_slot.job_id offset 0)
                   or exists (select from parked where parked.job_id = limit_slot.job_id offset 0))
           ),
           (select waiting.job_id
            from limit_slot
            cross join lateral (select job_id, reason, key from parked where parked.job_id = limit_slot.job_id offset 0) waiting
            where limit_slot.name = limit_name and limit_slot.key = at_key
              and waiting.reason = 'limit' and waiting.key = limit_turn.line
            limit 1),
           turn_of is not null and (exists (
               select from parked
               where parked.ordered_key = turn_of
                 and (parked.priority, parked.run_at, parked.job_id) < (first_priority, first_run_at, first_job)
           ) or exists (
               select
               from due_work
               cross join lateral (select args, tenant from job where job.id = due_work.job_id offset 0) job
               cross join lateral limits_of(due_work.queue, due_work.kind, job.args, job.tenant) as concerned
               where due_work.queue = first_queue and due_work.priority = first_priority
                 and due_work.session is null
                 and (due_work.run_at, due_work.job_id) < (first_run_at, first_job)
                 and concerned.name = limit_name and concerned.key = at_key
           ));
end;

comment on function limit_turn is
    'What an ordered limit says of a line, whose first job is given: whether a job has begun and not ended, which of those waits in this line, and whether another job comes before the first one, in another line or on its way to one.';
