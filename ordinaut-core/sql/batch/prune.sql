-- Forget what jobs waited for that wait for nothing any more: they were cancelled.
delete from ordinaut.dependency
where not exists (
    select from ordinaut.parked where parked.job_id = dependency.child_id and parked.reason = 'dependency'
)
