-- Lease up to $4 due jobs of the lanes ($1 queue, $2 priority, most urgent first), each scanned
-- from its floor ($3), of the kinds in $5, to the session $6 under the nonce $7; suspects only, or
-- none of them ($8: flag_suspect() or 0). A sweep ($9) scans from the start: it finds what
-- committed late. One worker of a queue at a time sweeps; the others claim as usual. All rows are
-- locked first, as an array, and then changed in the order of their places: a seventh cheaper than
-- both row by row. Nor could the planner run the limited subquery once for each candidate row, and
-- lease more than $4. skip locked: two workers never wait for the same row. A claim need not be
-- durable: a lost one is a job that nobody settled. Arguments of more than $10 bytes, as stored or
-- as text, are left out and fetched after the commit (args.sql): a worker that stops reading must
-- not hold rows and sweep for as long as its answer has nowhere to go. Jobs that a limit concerns,
-- or by their flag one of their task, are left to limit/sift.sql; without limits, that is asked
-- once. Those that say what they require of their worker are left to placement/claim.sql. Of the
-- kinds $11 only jobs whose place is from $12 to $13 are leased: this version's part. A job
-- whose row is gone is leased too, so that its worker can bury it. "offset 0" keeps that a look-up
-- by key: a plain join, planned while job was empty, reads all of it for each row. An empty claim
-- still tells the time. The worker sorts: cheaper.
with claim as materialized (
    select statement_timestamp() as at, set_config('synchronous_commit', 'off', true),
           exists (select from ordinaut.job_limit) as limits,
           exists (select from ordinaut.demand) or exists (select from ordinaut.rollout) as placement
), lane as materialized (
    select queue, priority,
           case when $9::boolean and pg_try_advisory_xact_lock(hashtext('ordinaut.sweep'), hashtext(queue))
               then '-infinity' else floor end as floor
    from unnest($1::text[], $2::smallint[], $3::timestamptz[]) as l(queue, priority, floor)
    -- A paused queue is left out; '*' stands for all of them. Asked once a statement, of an index
    -- in which nearly always nothing is.
    where not array[queue, '*'] && array(select name from ordinaut.queue where paused_at is not null)
), leased as (
    update ordinaut.due_work
    set session = $6::bigint, nonce = $7::integer, attempt = attempt + 1
    where ctid = any(array(
        select free.place
        from lane cross join lateral (
            select ctid as place
            from ordinaut.due_work
            where queue = lane.queue and priority = lane.priority
              and run_at >= lane.floor and run_at <= statement_timestamp()
              and session is null and kind = any($5::text[])
              and flags & (ordinaut.flag_suspect() | ordinaut.flag_task_limited() | ordinaut.flag_placed()) = $8::smallint
              and (kind <> all($11::text[]) or exists (
                  select from unnest($11::text[], $12::integer[], $13::integer[]) as part(kind, lowest, highest)
                  where part.kind = due_work.kind and ordinaut.rollout_place(job_id) between lowest and highest))
              and (not (select limits from claim) or not exists (
                  select from ordinaut.job_limit
                  where (job_limit.queue is null or job_limit.queue = due_work.queue)
                    and (job_limit.kind is null or job_limit.kind = due_work.kind)
              ))
            order by queue, priority, run_at, job_id
            limit $4::bigint
            for update skip locked
        ) free
        limit $4::bigint
    ))
    returning job_id, attempt, failures, flags, run_at, queue, kind, priority, ctid as place
), outbox_rows as (
    insert into ordinaut.outbox (type, queue, kind, job_ids, attempts)
    select 'leased', queue, kind, array_agg(job_id), array_agg(attempt)
    from leased
    group by queue, kind
)
select claim.at, leased.*, case when octet_length(job.args) <= $10::integer then job.args end as args, job.max_attempts,
       extract(epoch from job.timeout)::float8 as timeout, job.tags, job.created_at, job.backoff, job.tenant,
       job.scheduled_for, job.stored, job.trace_context, claim.limits, claim.placement
from claim left join leased on true left join lateral (
    select case when pg_column_size(args) <= $10::integer then args::text end as args, pg_column_size(args) as stored,
           max_attempts, timeout, tags, created_at, backoff, tenant, scheduled_for, trace_context
    from ordinaut.job where job.id = leased.job_id offset 0
) job on true
