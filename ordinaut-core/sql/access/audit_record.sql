-- Add entries: of each $1 actor, $2 action, $3 subject, $4 status, $5 reason, $6 request id, $7
-- before, $8 after and $9 address.
insert into ordinaut.audit (actor, action, subject, status, reason, request_id, before, after, address)
select actor, action, subject, status, reason, request_id, before::jsonb, after::jsonb, address
from unnest($1::text[], $2::text[], $3::text[], $4::smallint[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[])
     as entry(actor, action, subject, status, reason, request_id, before, after, address)
