-- What the job said that delivered the event $2 to the webhook that is named $1.
select webhook.id, webhook.queue, job.args::text as args
from ordinaut.webhook
join ordinaut.webhook_delivery as delivery on delivery.webhook_id = webhook.id and delivery.n = $2::bigint
left join ordinaut.job on job.id = delivery.job_id
where webhook.name = $1::text
