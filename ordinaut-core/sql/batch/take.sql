-- Take up to $1 rows to be folded, unless somebody else folds at this moment: one transaction at a
-- time, which need not be durable. A lost one leaves its rows as they were. "held" tells whether
-- this is the one. A row that the last fold has deleted since this statement began is passed by.
with turn as materialized (
    select pg_try_advisory_xact_lock(hashtext('ordinaut.fold'), 0) as held, set_config('synchronous_commit', 'off', true)
), taken as (
    delete from ordinaut.followed_end
    where ctid = any(array(
        select ctid from ordinaut.followed_end
        where (select held from turn) and at <= clock_timestamp()
        order by id
        limit $1::bigint
    )) and at <= clock_timestamp()
    returning id, job_id, outcome, n
)
select turn.held, taken.job_id, taken.outcome, taken.n
from turn left join taken on true
order by taken.id
