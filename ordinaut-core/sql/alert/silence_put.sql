-- Silence $1: alerts of the rule $2 (null: of all) about $3 (null: about all), from $4 (null: from
-- now on) until $5, because of $6, by $7. No row: it would be over already, or it is one more than
-- $8. Repeated after an answer that was lost, it is there once.
insert into ordinaut.alert_silence as known (id, rule, subject, begins_at, ends_at, reason, created_by)
select $1::uuid, $2::text, $3::text, begins_at, $5::timestamptz, $6::text, $7::text
from (select coalesce($4::timestamptz, clock_timestamp()) as begins_at) as given
where $5::timestamptz > greatest(begins_at, clock_timestamp())
  and (select count(*) from ordinaut.alert_silence where ends_at > clock_timestamp()) < $8::bigint
on conflict (id) do update set created_at = known.created_at
returning *, begins_at <= clock_timestamp() and ends_at > clock_timestamp() as active
