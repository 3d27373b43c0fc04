-- Take the unique key $2 of the job $1, of the period $3, held for $4 seconds after its end, in the
-- mode $5; the answer is the hash of the key, its holder, and whom the job has to wait for. No row:
-- the event $7 has reached the task $6 before.
with requested as materialized (
    select ordinaut.unique_key_hash($2::text, $3::float8) as key
    where not exists (select from ordinaut.event_fire where task_id = $6::uuid and event_id = $7::text)
), held as materialized (
    select key, ordinaut.hold_key(key, $1::uuid, make_interval(secs => $4::float8), $5::text) as answer from requested
)
select key, (answer).holder, (answer).behind from held
