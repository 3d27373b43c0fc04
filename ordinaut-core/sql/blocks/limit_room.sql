-- The maximum weight that runs at once of a limit under a key, null for any, and what running jobs
-- take of it. The statement names the limit as "member": name, at_key, its stored concurrency, and
-- one_session if only jobs of that session count. The number of max_instances stands with its
-- task, which may have changed since a job went into its line, or be gone. Only leased jobs count,
-- so that a row which a crash left behind takes nothing. The jobs of a task that max_instances
-- bounds had room when they were made, and take no slot: those count that run or will be claimed.
-- No functions: with subqueries they could not become a part of the statement, and starting them
-- for each line took half of the time of limit/lines.sql.
lateral (
    select case when member.name = 'max_instances'
               then (select max_instances from ordinaut.task where id = member.at_key::uuid)
               else member.concurrency end as concurrency,
           case when member.name = 'max_instances' then (
               select count(*)
               from ordinaut.task_job
               cross join lateral (
                   select from ordinaut.due_work
                   where due_work.job_id = task_job.job_id
                     and (due_work.session is not null or due_work.flags & ordinaut.flag_task_limited() = 0)
                   offset 0
               ) working
               where task_job.task_id = member.at_key::uuid
           ) else (
               select coalesce(sum(limit_slot.weight), 0)
               from ordinaut.limit_slot
               cross join lateral (
                   select from ordinaut.due_work
                   where due_work.job_id = limit_slot.job_id and due_work.session is not null
                   offset 0
               ) leased
               where limit_slot.name = member.name and limit_slot.key = member.at_key
                 and (member.one_session is null or limit_slot.session = member.one_session)
           ) end as held
)
