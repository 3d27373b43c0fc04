-- Where the webhook $1 is told of events, and what signs them, the newest secret first. No row: it
-- is disabled or deleted, and is told nothing.
select url, array(
    select secret
    from ordinaut.webhook_secret
    where webhook_id = webhook.id and (expires_at is null or expires_at > clock_timestamp())
    order by created_at desc
) as secrets
from ordinaut.webhook
where id = $1::uuid and disabled_at is null
