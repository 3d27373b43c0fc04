-- Hold a bulk operation that is not finished, the oldest, behind those in $1, until the transaction
-- ends. What another process holds is passed by. "allowed" is the number of jobs to which it may do
-- something now, by its rate.
with held as (
    select *
    from ordinaut.bulk
    where finished_at is null and id <> all($1::uuid[])
    order by created_at
    limit 1
    for update skip locked
)
select held.*, case when rate is null then null
                    else ceil(rate * (extract(epoch from clock_timestamp() - coalesce(started_at, clock_timestamp())) + 1))
                         - done - skipped end::bigint as allowed
from held
