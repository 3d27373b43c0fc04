-- The concurrency key that a task's job was made under. It stays the job's when the task is given another one, and when the
-- task is deleted: asked of the task, two jobs of one key could run at once.
alter table task_job add column concurrency_key text;

update task_job
set concurrency_key = task.concurrency_key
from task
where task.id = task_job.task_id and task.concurrency_key is not null;

create index task_job_concurrency_key on task_job (concurrency_key) where concurrency_key is not null;

-- By job: what a pause and a line ask.
create index task_job_job_id on task_job (job_id);

update schema_version set version = 43;
