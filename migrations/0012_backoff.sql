-- A job may bring its own backoff: {"kind": "exponential", "base": 1, "cap": 60}, in seconds. Null: its kind's handler
-- or its worker decides.
alter table job add column backoff jsonb;
alter table dead_letter add column backoff jsonb;

-- For the jobs of a task. A job without one is not in it, and pays nothing.
create index job_task_id on job (task_id, id) where task_id is not null;
