-- Alerts, the newest first: up to $1, before the one $2; of the state $3, the rule $4, the severity
-- $5 and the subject $6, or the one alert $7.
select alert.*, {{alert_silenced}} as silenced
from ordinaut.alert
where ($2::uuid is null or id < $2::uuid)
  and ($3::text is null or state = $3::text)
  and ($4::text is null or rule = $4::text)
  and ($5::text is null or severity = $5::text)
  and ($6::text is null or subject = $6::text)
  and ($7::uuid is null or id = $7::uuid)
order by id desc
limit $1::bigint
