-- Let jobs go that wait for the target $1, $2 in a second and $5 at most: the most urgent, or those
-- that have waited longest ($4), so that one whose call always fails is not the only one that
-- tries.
-- Whichever scheduler does, $3 seconds have passed since the last time; of a target that is gone,
-- any does, and jobs wait for five seconds, so that one which insists on it is in nobody's way.
with found as materialized (
    select name, coalesce(extract(epoch from clock_timestamp() - let_in_at)::float8, 86400) as elapsed
    from ordinaut.target
    where name = $1::text
    for update
), turn as (
    update ordinaut.target
    set let_in_at = clock_timestamp()
    from found
    where target.name = found.name and found.elapsed >= $3::float8
    returning least(found.elapsed, 1) as part
), may as materialized (
    select least(ceil($2::float8 * part)::bigint, $5::bigint) as jobs from turn
    union all
    select ceil($2::float8)::bigint where not exists (select from found)
), urgent as materialized (
    select job_id
    from ordinaut.parked
    where reason = 'target' and key = $1::text and not $4::boolean
    order by key, priority, run_at, job_id
    limit coalesce((select jobs from may), 0)
), oldest as materialized (
    select job_id
    from ordinaut.parked
    where reason = 'target' and key = $1::text and $4::boolean
      and (exists (select from found) or parked_at <= clock_timestamp() - interval '5 s')
    order by reason, key, parked_at
    limit coalesce((select jobs from may), 0)
), unparked as (
    delete from ordinaut.parked
    where job_id = any(array(select job_id from urgent union all select job_id from oldest)) and coalesce(reason, '') = 'target'
    returning parked.*
), {{unparked}}
select distinct queue from unparked
