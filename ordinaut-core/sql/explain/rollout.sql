-- The part of the kind $3 that the job $1 of the queue $2 belongs to, by its place as claims
-- compare it (lease/claim.sql): "own" if it is that of the version, and the number of living
-- workers of it.
select part.version, part.percent, part.own, able.workers
from (
    select version, percent, ordinaut.rollout_place($1::uuid) < percent * 256 / 100 as own, array['version=' || version] as label
    from ordinaut.rollout
    where kind = $3::text
) part
cross join lateral (
    select count(*) as workers
    from ordinaut.able_workers($2::text, $3::text, case when own then label else '{}' end, case when own then '{}' else label end)
) able
