-- Remove demands that nobody has used for a day, and for which no job waits, whether in its own
-- line or for room of limits. A transaction that was given one of their numbers would have to be as
-- old. The lines of limits are gone through, each by a step of its own, only if there are such.
with recursive old as materialized (
    select id
    from ordinaut.demand
    where used_at < statement_timestamp() - interval '1 day'
      and not exists (select from ordinaut.parked where reason = 'placed' and key = demand.id::text)
), step as (
    (select key from ordinaut.parked where reason = 'limit' and exists (select from old) order by key limit 1)
    union all
    select (select min(key) from ordinaut.parked where reason = 'limit' and key > step.key)
    from step
    where step.key is not null
), waits as materialized (
    select case when step.key like '#%' then (
               select parked.line from ordinaut.parked where reason = 'limit' and parked.key = step.key limit 1
           ) else step.key end::jsonb ->> 'demand' as demand
    from step
    where step.key is not null
)
delete from ordinaut.demand
where id in (select id from old) and id::text not in (select demand from waits where demand is not null)
