-- Ends ($1 parents, $2 outcomes) reach the jobs that wait for them, $3 rows at most: each child
-- that nobody else holds loses its rows for these parents, and the answer says whether these were
-- its last ones and which parent failed it, if one did. One that is parked and not held somebody
-- else moves at this moment. One that is not parked any more has ended, and its rows are of no use.
with ended as materialized (
    select * from unnest($1::uuid[], $2::text[]) as e(parent_id, outcome)
), edge as materialized (
    select dependency.child_id, dependency.parent_id, dependency.policy, ended.outcome
    from ended
    join ordinaut.dependency on dependency.parent_id = any(array[ended.parent_id])
    limit $3::bigint
), held as materialized (
    select job_id
    from ordinaut.parked
    where job_id = any(array(select child_id from edge)) and coalesce(reason, '') = 'dependency'
    order by job_id
    for update skip locked
), child as materialized (
    select child_id, count(*) as ends, min(policy) as policy, array_agg(parent_id) as parents,
           min(parent_id::text) filter (where outcome <> 'succeeded' and policy <> 'run')::uuid as failed,
           exists (select from held where held.job_id = edge.child_id) as held,
           exists (select from ordinaut.parked where parked.job_id = edge.child_id and parked.reason = 'dependency' offset 0) as parked
    from edge
    group by child_id
), resolved as (
    delete from ordinaut.dependency
    using child
    where dependency.child_id = any(array[child.child_id]) and dependency.parent_id = any(child.parents)
      and (child.held or not child.parked)
)
select child_id, ends, policy, failed, (select outcome from ended where parent_id = failed limit 1) as outcome,
       parked, held,
       ends >= (select count(*) from ordinaut.dependency where dependency.child_id = child.child_id) as last
from child
