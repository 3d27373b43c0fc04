-- Deliveries of the webhook $1, the newest events first: up to $2, before the number $3.
select delivery.n, delivery.job_id, delivery.at, state.state, coalesce(run.attempt, 0) as attempt, run.error, run.output as answer
from (
    select n, job_id, at
    from ordinaut.webhook_delivery
    where webhook_id = $1::uuid and ($3::bigint is null or n < $3::bigint)
    order by n desc
    limit $2::bigint
) delivery
left join ordinaut.job_state as state on state.job_id = any(array[delivery.job_id])
left join lateral (
    select attempt, error, output from ordinaut.run where job_id = delivery.job_id order by attempt desc limit 1
) run on true
order by delivery.n desc
