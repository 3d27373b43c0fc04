-- Make the batch $1, named $2, of $3 members that this transaction has inserted; $4 what a dead
-- member means, $5 and $6 the jobs for its success and for its end, $7 or $8 seconds from now its
-- deadline, $9 tenant, $10 the agent that made it. One without members is looked at at once.
with new as (
    insert into ordinaut.batch (id, name, total, on_dead, on_success, on_complete, deadline, tenant, created_by)
    values ($1::uuid, $2::text, $3::bigint, $4::text, $5::uuid, $6::uuid,
            coalesce($7::timestamptz, clock_timestamp() + make_interval(secs => $8::float8)), $9::text, $10::text)
    returning *
), to_look_at as (
    insert into ordinaut.followed_end (job_id, outcome) select id, 'look' from new where total = 0
), outbox_rows as (
    insert into ordinaut.outbox (type, queue, kind, job_ids, attempts, subject)
    select 'batch_created', '', '', '{}', '{}', id::text from new
)
select id from new
