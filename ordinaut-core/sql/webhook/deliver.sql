-- The jobs ($3) that deliver the events $2 to the webhooks $1.
insert into ordinaut.webhook_delivery (webhook_id, n, job_id)
select * from unnest($1::uuid[], $2::bigint[], $3::uuid[])
on conflict (webhook_id, n) do update set job_id = excluded.job_id, at = excluded.at
