-- Fold the appended counts into one row for each queue and outcome.
with taken as (
    delete from ordinaut.outcome_count
    where ctid = any(array(select ctid from ordinaut.outcome_count for update skip locked))
    returning queue, outcome, ended
)
insert into ordinaut.outcome_count (queue, outcome, ended)
select queue, outcome, sum(ended)::bigint
from taken
group by queue, outcome
