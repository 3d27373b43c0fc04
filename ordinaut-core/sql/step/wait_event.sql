-- The first event of the topic $1 and the key $2 that was published since $3, and is none of $4. To
-- be asked after the wait was committed: an event whose publisher looked for waits before that is
-- found here, and one that comes later finds the wait.
select jsonb_build_object('n', n, 'id', id, 'topic', topic, 'key', key, 'at', at, 'payload', payload)::text
from ordinaut.published
where topic = $1::text and key = $2::text and at >= $3::timestamptz and n <> all($4::bigint[])
order by n
limit 1
