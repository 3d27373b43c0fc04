-- Delete the webhook that is named $1, with its secrets and what is known of its deliveries.
delete from ordinaut.webhook where name = $1::text returning id
