-- Let up to $1 jobs go to any worker that has what they require: their patience has ended, or no
-- living worker has what they prefer. They stay apart, in the line of what they require. The
-- queues in which that was so.
with waited as materialized (
    select id::text as key, kind, require, refuse
    from ordinaut.demand
    where soft and exists (select from ordinaut.parked where reason = 'placed' and key = demand.id::text)
), unserved as materialized (
    select key
    from waited
    where not exists (select from ordinaut.able_workers(null, waited.kind, waited.require, waited.refuse))
), impatient as materialized (
    (select job_id from ordinaut.preference where until <= statement_timestamp() order by until limit $1::bigint)
    union
    (select free.job_id
     from unserved cross join lateral (
         select job_id from ordinaut.parked where reason = 'placed' and key = unserved.key limit $1::bigint
     ) free
     limit $1::bigint)
), forgotten as (
    delete from ordinaut.preference where job_id = any(array(select job_id from impatient))
), asked as materialized (
    select parked.job_id, parked.kind, ordinaut.placement_labels(job.placement -> 'require', false) as require,
           ordinaut.placement_labels(job.placement -> 'require', true) as refuse
    from impatient
    cross join lateral (
        select job_id, kind from ordinaut.parked
        where parked.job_id = impatient.job_id and reason in ('placed', 'limit')
        for update skip locked
    ) parked
    left join lateral (select placement from ordinaut.job where job.id = impatient.job_id offset 0) job on true
), demanded as materialized (
    select sort.*, ordinaut.demand_of(kind, require, refuse, false)::text as key
    from (select distinct kind, require, refuse from asked) sort
), moved as (
    update ordinaut.parked
    set reason = 'placed', key = demanded.key, line = null
    from asked join demanded using (kind, require, refuse)
    where parked.job_id = any(array[asked.job_id]) and parked.key <> demanded.key
    returning parked.queue
)
select distinct queue from moved
