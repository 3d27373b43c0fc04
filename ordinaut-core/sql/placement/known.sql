-- What the session $1 looks for beside all others' jobs: of its kinds $2 and with its labels $3
-- the demands that it satisfies, and those of them in whose lines jobs wait; and its part of the
-- kinds of which a version of workers runs a part: jobs whose place is from "lowest" to
-- "highest". "needed": whether there is anything of the sort. The number of jobs that it runs ($4)
-- is what the strategy least_tasks looks at.
with told as (
    update ordinaut.worker
    set running = $4::integer
    where session = $1::bigint and ended_at is null and running <> $4::integer
), satisfied as materialized (
    select id::text, exists (select from ordinaut.parked where reason = 'placed' and key = demand.id::text) as waits
    from ordinaut.demand
    where kind = any($2::text[]) and $3::text[] @> require and not $3::text[] && refuse
), part as materialized (
    select kind, 'version=' || version = any($3::text[]) as own, percent * 256 / 100 as bound
    from ordinaut.rollout
    where kind = any($2::text[])
)
select array(select id from satisfied) as satisfied, array(select id from satisfied where waits) as demands,
       array(select kind from part order by kind) as kinds,
       array(select case when own then 0 else bound end from part order by kind) as lowest,
       array(select case when own then bound - 1 else 255 end from part order by kind) as highest,
       exists (select from ordinaut.demand) or exists (select from ordinaut.rollout) as needed
