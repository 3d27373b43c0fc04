-- A page of sessions, those that have not ended first, and then the latest first: up to $1 of them
-- and $2 octets, but one at least, after the session $5 that began at $4 and had ended or not ($3);
-- of the name or session $6, if one is named.
-- Of one that is drained, what it holds is counted: what it said at its last renewal may be from
-- before. "walked" is more than there are rows, if there is a next page.
with listed as (
    select session, name, host, pid, version, queues, kinds, labels, concurrency,
           case when ended_at is null and exists (select from ordinaut.drained_worker where drained_worker.name = worker.name)
               then (select count(*)::integer from ordinaut.due_work where due_work.session = worker.session)
               else running end as running,
           least(started_at, '9999-01-01') as started_at, least(renewed_at, '9999-01-01') as renewed_at,
           least(expires_at, '9999-01-01') as expires_at,
           case when ended_at is not null then least(ended_at, '9999-01-01') end as ended_at,
           ended_at is null and expires_at > clock_timestamp() as alive,
           exists (select from ordinaut.drained_worker where drained_worker.name = worker.name) as drained,
           ended_at is not null as has_ended, started_at as began
    from ordinaut.worker
    where ($3::boolean is null or (ended_at is not null) > $3::boolean
           or ((ended_at is not null) = $3::boolean and (started_at, session) < ($4::timestamptz, $5::bigint)))
      and ($6::text is null or name = $6::text or session::text = $6::text)
    order by ended_at is not null, worker.started_at desc, session desc
    limit $1::bigint + 1
), placed as (
    select listed.*, row_number() over in_order as place, sum(octet_length(listed::text)) over in_order as octets
    from listed
    window in_order as (order by has_ended, began desc, session desc)
)
select placed.*, (select count(*) from placed) as walked
from placed
where place <= $1::bigint and (octets <= $2::bigint or place = 1)
order by place
