-- Up to $1 entries, the newest first, before number $2: of the actor $3, the action $4, the subject
-- $5, from $6 to before $7.
select n, at, actor, action, subject, status, reason, request_id, before::text as before, after::text as after, address
from ordinaut.audit
where ($2::bigint is null or n < $2::bigint)
  and ($3::text is null or actor = $3::text)
  and ($4::text is null or action = $4::text)
  and ($5::text is null or subject = $5::text)
  and ($6::timestamptz is null or at >= $6::timestamptz)
  and ($7::timestamptz is null or at < $7::timestamptz)
order by n desc
limit $1::bigint
