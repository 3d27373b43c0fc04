-- The limits that tasks imply are stored while jobs are left that they concern, so that workers
-- look for such jobs. Their queue is that of no job: what concerns a job is its
-- flag_task_limited(). The statement names new jobs that have it in "limited".
implied as (
    insert into ordinaut.job_limit (name, queue, concurrency, ordered)
    select * from (values ('concurrency_key', '', 1, true), ('max_instances', '', null, false)) as implied
    where exists (select from limited)
    on conflict (name) do nothing
)
