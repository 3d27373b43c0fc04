-- The number of max_instances stands with its task, which may have changed since a job went into
-- its line, or be gone.
create or replace function limit_concurrency(limit_name text, at_key text, stored integer) returns integer
    language sql stable
begin atomic
    select case when limit_name = 'max_instances'
        then (select max_instances from task where id = at_key::uuid) else stored end;
end;

comment on function limit_concurrency is
    'Maximum weight of the jobs that run at once under a key of a limit; null: any.';
