-- The number of jobs that go before the job $1 ("ahead", 10,000 at most): those of its queue that
-- are due, or those of its line under limits; whether it was lost twice, and the number of such
-- jobs that run; and the attempts of its queue that ended in the last five whole minutes, as far
-- as they were counted.
select case
           when mine.line is null then (
               select count(*)
               from (
                   select from ordinaut.due_work
                   where due_work.queue = mine.queue and session is null and run_at <= statement_timestamp()
                     and due_work.kind = any(array(
                         select unnest(kinds)
                         from ordinaut.worker
                         where ended_at is null and expires_at > clock_timestamp() and mine.queue = any(queues)
                     ))
                     and (due_work.priority, due_work.run_at, due_work.job_id) < (mine.priority, mine.run_at, mine.job_id)
                   limit 10000
               ) before
           )
           else (
               select count(*)
               from (
                   select from ordinaut.parked
                   where parked.reason = 'limit' and parked.key = mine.line
                     and (parked.priority, parked.run_at, parked.job_id) < (mine.priority, mine.run_at, mine.job_id)
                   limit 10000
               ) before
           )
       end as ahead,
       mine.flags & ordinaut.flag_suspect() <> 0 as suspect,
       -- All work is read for it, so only for the few jobs that it matters to.
       case when mine.flags & ordinaut.flag_suspect() <> 0 then (
           select count(*)
           from ordinaut.due_work
           where session is not null and due_work.flags & ordinaut.flag_suspect() <> 0
       ) else 0 end as suspects,
       (select coalesce(sum(ended), 0)::bigint
        from ordinaut.stat
        where step = 'minute' and begins >= date_trunc('minute', statement_timestamp(), 'UTC') - interval '5 minutes'
          and begins < date_trunc('minute', statement_timestamp(), 'UTC') and stat.queue = mine.queue) as ended
from (
    select job_id, queue, priority, run_at, flags, null::text as line from ordinaut.due_work where job_id = $1::uuid
    union all
    select job_id, queue, priority, run_at, flags, case when reason = 'limit' then key else '' end
    from ordinaut.parked
    where job_id = $1::uuid
) mine
limit 1
