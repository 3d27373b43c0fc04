-- Number of attempts that ended, by queue and outcome, since the schema was made. The sum never
-- falls.
select queue, outcome, sum(ended)::bigint as ended
from (
    select queue, outcome, ended from ordinaut.outcome_count
    union all
    select queue.key, outcome.key, outcome.value::bigint
    from ordinaut.worker, jsonb_each(finished) as queue, jsonb_each_text(queue.value) as outcome
) counted(queue, outcome, ended)
group by queue, outcome
order by queue, outcome
