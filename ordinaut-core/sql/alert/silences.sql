-- Silences, the newest first: up to $1, before the one $2; those that are over only if $3.
select *, begins_at <= clock_timestamp() and ends_at > clock_timestamp() as active
from ordinaut.alert_silence
where ($2::uuid is null or id < $2::uuid) and ($3::boolean or ends_at > clock_timestamp())
order by id desc
limit $1::bigint
